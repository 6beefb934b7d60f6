// The mutants: what the program would be without one of its guards. Each edit replaces a text that must stand in its file
// exactly once; when the source has moved on, `npm run test:mutants` names the mutant, and its `find` is to be taken from
// the new text. `tests` are asked one group after the other, until one fails.
const STORE = [
  'test/store/pipeline-guards.test.ts',
  'test/store/pipeline-once.test.ts',
  'test/store/pipeline-faults.test.ts',
  'test/store/charges-unknown.test.ts',
  'test/store/charges-operations.test.ts',
  'test/store/in-hand.test.ts',
];
const RESTORED = ['test/store/restored-book.test.ts'];
const SIMULATION = ['test/simulation/simulation.test.ts'];
const simulationFirst = [SIMULATION, STORE];
const storeFirst = [STORE, SIMULATION];

/** One edit: `find` in `src/file` becomes `replace`. */
const edit = (file, find, replace) => ({ file: `src/${file}`, find, replace });

export const MUTANTS = [
  {
    name: 'resend-under-a-new-key',
    tests: simulationFirst,
    edits: [
      edit(
        'charges/send.ts',
        'await gateway.send(requestOf(attempt), ',
        'await gateway.send({ ...requestOf(attempt), idempotencyKey: attempt.sends > 1 ? attempt.idempotencyKey + attempt.sends : attempt.idempotencyKey }, ',
      ),
    ],
  },
  {
    name: 'rejected-resend-clears-an-unknown',
    tests: simulationFirst,
    edits: [
      edit(
        'charges/attempt.ts',
        "const unproven = source === 'send' ? Math.max(0, unprovenSends - 1) : 0;",
        "const unproven = source === 'send' ? 0 : 0;",
      ),
    ],
  },
  {
    name: 'settle-without-precedence',
    tests: simulationFirst,
    edits: [
      edit(
        'charges/attempt.ts',
        "if (current === 'approved' || current === 'duplicate') return null;",
        "if (current === 'duplicate') return null;",
      ),
    ],
  },
  {
    name: 'open-after-send',
    tests: simulationFirst,
    edits: [
      edit(
        'charges/open.ts',
        'this.#part.attempts.push(attempt);',
        'await (await this.#context.gateway(attempt.gateway)).send({ ...attempt, attemptId: attempt.id }, new AbortController().signal);\n      this.#part.attempts.push(attempt);',
      ),
    ],
  },
  {
    name: 'retry-of-an-unknown',
    tests: simulationFirst,
    edits: [
      edit(
        'charges/send.ts',
        "return { kind: 'answered', outcome: checkedAmount(attempt, outcome) };",
        "return outcome.kind === 'unknown' ? notSent('stopped') : { kind: 'answered', outcome: checkedAmount(attempt, outcome) };",
      ),
    ],
  },
  {
    name: 'absence-believed-at-once',
    tests: simulationFirst,
    edits: [
      edit(
        'charges/prover.ts',
        'const lookup = await gateway.lookup(requestOf(attempt), signal);',
        "const lookup = await gateway.lookup(requestOf(attempt), signal);\n    if (lookup.kind === 'absent') return this.#settle(attempt, PROVED_ABSENT, 'lookup', trail.step('absent'));",
      ),
    ],
  },
  {
    name: 'refund-without-reservation',
    tests: simulationFirst,
    edits: [
      edit(
        'charges/open.ts',
        "(attempt.operation === 'refund' ? reservedMinor : 0n)",
        "(attempt.operation === 'refund' ? 0n : 0n)",
      ),
    ],
  },
  {
    name: 'no-kill-switch-before-the-socket',
    tests: storeFirst,
    edits: [
      edit(
        'charges/send.ts',
        'const current = await pauses(reader);',
        'const current = (await pauses(reader)).slice(0, 0);',
      ),
    ],
  },
  {
    name: 'no-epoch-before-the-socket',
    tests: storeFirst,
    edits: [edit('charges/send.ts', ' || row.epoch !== attempt.epoch', '')],
  },
  {
    name: 'no-owner-before-the-socket',
    tests: storeFirst,
    edits: [edit('charges/send.ts', 'row?.owner_id !== this.#context.owner.id || row.epoch', 'row?.epoch')],
  },
  {
    name: 'no-lease-by-the-own-clock',
    tests: storeFirst,
    edits: [edit('charges/send.ts', "if (!this.#context.owner.isCurrent) return { kind: 'lost' };", '')],
  },
  {
    name: 'keys-of-any-age',
    tests: storeFirst,
    edits: [
      edit(
        'charges/send.ts',
        'return (keyRetentionMs ?? 3_600_000) / 2;',
        'return keyRetentionMs === 0 ? 0 : Number.MAX_SAFE_INTEGER;',
      ),
    ],
  },
  {
    name: 'charges-written-whatever-their-version',
    tests: [['test/store/charges-constraints.test.ts'], STORE, SIMULATION],
    edits: [edit('charges/charges-store.ts', "    ['version'],\n  );", '    [],\n  );')],
  },
  {
    name: 'duplicate-counted-as-approved',
    tests: storeFirst,
    edits: [edit('charges/attempt.ts', "duplicate ? 'duplicate' : 'approved'", "duplicate ? 'approved' : 'approved'")],
  },
  {
    name: 'posting-left-out',
    tests: storeFirst,
    edits: [
      edit(
        'charges/settle.ts',
        'const accounts = await openAccounts(this.#trx, this.#entries);',
        'this.#entries.shift();\n    const accounts = await openAccounts(this.#trx, this.#entries);',
      ),
    ],
  },
  {
    name: 'posting-doubled',
    tests: storeFirst,
    edits: [
      edit(
        'charges/settle.ts',
        'postingsInsertion(entries, accounts)',
        'postingsInsertion(entries.map((entry) => ({ ...entry, postings: [...entry.postings, ...entry.postings] })), accounts)',
      ),
    ],
  },
  {
    name: 'owner-gone-taken-for-not-sent',
    tests: storeFirst,
    edits: [
      edit(
        'charges/recovery.ts',
        "{ kind: 'unknown', reason: 'owner_gone', providerCode: null, providerMessage: null }",
        "{ kind: 'rejected', reason: 'ours', providerCode: 'stopped', providerMessage: null, retryAfterMs: null }",
      ),
    ],
  },
  {
    name: 'takeover-under-the-old-epoch',
    tests: storeFirst,
    edits: [edit('charges/recovery.ts', 'epoch: was.epoch + 1', 'epoch: was.epoch')],
  },
  {
    name: 'resend-not-counted',
    tests: storeFirst,
    edits: [edit('charges/prover.ts', 'unprovenSends: unprovenSends + 1', 'unprovenSends')],
  },
  {
    name: 'another-amount-believed',
    tests: storeFirst,
    edits: [edit('charges/send.ts', 'outcome.amountMinor === attempt.amountMinor)', 'outcome.amountMinor > 0n)')],
  },
  {
    name: 'no-cancel-at-the-provider',
    tests: storeFirst,
    edits: [
      edit(
        'charges/cancel.ts',
        'const closing = await closeAtProvider(pipeline, last);',
        "const closing: Cancellation = last === undefined ? await closeAtProvider(pipeline, last) : { kind: 'closed' };",
      ),
    ],
  },
  {
    name: 'run-tries-a-charge-again',
    tests: storeFirst,
    edits: [
      edit(
        'charges/open-rules.ts',
        'if (request.runId !== null && charge.lastRunId === request.runId) return false;',
        '',
      ),
    ],
  },
  {
    name: 'hard-decline-blocks-nothing',
    tests: storeFirst,
    edits: [
      edit(
        'charges/settle.ts',
        "if (failing && attempt.declineClass === 'hard') {",
        "if (failing && attempt.declineClass === 'hard' && source === 'operator') {",
      ),
    ],
  },
  {
    name: 'charge-in-hand-taken-for-the-books',
    tests: storeFirst,
    edits: [edit('charges/standing.ts', 'standing?.charge_version === charge.version &&', 'standing !== undefined &&')],
  },
  {
    name: 'attempt-in-hand-taken-for-the-books',
    tests: storeFirst,
    edits: [
      edit('charges/standing.ts', 'standing.owner_id === attempt.ownerId &&', ''),
      edit('charges/standing.ts', 'standing.epoch === attempt.epoch &&', ''),
      edit('charges/standing.ts', 'standing.outcome === attempt.outcome &&', ''),
    ],
  },
  {
    name: 'reservation-released-on-unknown',
    tests: storeFirst,
    edits: [
      edit(
        'charges/settle.ts',
        'this.#moveMoney(next, attempt, before);',
        "this.#moveMoney(next, attempt, before);\n    if (attempt.operation === 'refund' && attempt.outcome === 'unknown' && before.outcome === null) next.refundReservedMinor -= attempt.amountMinor;",
      ),
    ],
  },
  {
    name: 'retries-without-a-budget',
    tests: [['test/unit/retries/policy.test.ts'], STORE, SIMULATION],
    edits: [
      edit('retries/policy.ts', 'softDeclines >= policy.maxAttempts || delayMs === undefined', 'delayMs === undefined'),
    ],
  },
  {
    name: 'periods-under-random-ids',
    tests: [['test/store/materialise.test.ts', 'test/store/schedules.test.ts'], SIMULATION],
    edits: [
      edit(
        'billing/materialise.ts',
        "derivedId('charge', dueAtMs, bookId, scheduleId, period)",
        "derivedId('charge', dueAtMs, bookId, scheduleId, period, String(Math.random()))",
      ),
    ],
  },
  {
    name: 'no-quarantine-before-the-socket',
    tests: [RESTORED, SIMULATION],
    edits: [
      edit(
        'charges/send.ts',
        "return refusal === null ? null : refusal.code === 'clock' ? 'clock' : 'quarantined';",
        "return refusal !== null && refusal.code === 'clock' ? 'clock' : null;",
      ),
    ],
  },
  {
    name: 'no-quarantine-at-all',
    tests: [SIMULATION, RESTORED],
    edits: [
      edit(
        'charges/quarantine.ts',
        'return mark > openSequence ? olderThanMark(openSequence, mark) : null;',
        'return mark > Number.MAX_SAFE_INTEGER ? olderThanMark(openSequence, mark) : null;',
      ),
    ],
  },
  {
    name: 'mark-kept-after-the-send',
    tests: [RESTORED, SIMULATION],
    edits: [
      edit(
        'charges/send.ts',
        'const standing = await this.#context.guard.letOut();',
        'const standing = await this.#context.guard.standing(this.#context.book.reader);',
      ),
      edit(
        'charges/send.ts',
        'await this.#noteClock(gateway);',
        'await this.#context.guard.letOut();\n    await this.#noteClock(gateway);',
      ),
    ],
  },
  {
    name: 'clock-may-jump-back',
    tests: [['test/store/clock.test.ts']],
    edits: [edit('charges/clock-guard.ts', 'nowMs < latestTime - CLOCK_TOLERANCE_MS', 'nowMs < -latestTime')],
  },
  {
    name: 'quarantine-ends-within-the-lag',
    tests: [RESTORED, SIMULATION],
    edits: [edit('reconciliation/reconcile-run.ts', 'begun + gateway.capabilities.lookupLagMs;', 'begun;')],
  },
  {
    name: 'records-matched-by-their-id-alone',
    tests: [RESTORED, SIMULATION],
    edits: [edit('charges/adoption-plan.ts', '.filter(({ id }) => !attempts.has(id))', '.filter(() => false)')],
  },
];
