// Outcomes that come late, twice, or never: what counts, what is only recorded, and that money is never lost or taken
// twice on the way.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Attempt, requestOf } from '../../src/charges/attempt.ts';
import { attemptsById, attemptsOfCharges } from '../../src/charges/attempts-store.ts';
import { cancelCharge } from '../../src/charges/cancel.ts';
import type { Charge } from '../../src/charges/charge.ts';
import { chargesById } from '../../src/charges/charges-store.ts';
import { newCharge } from '../../src/charges/new-charge.ts';
import { type CreateCharge, captureCharge, refundCharge, replayCharges } from '../../src/charges/operations.ts';
import { resolveOpenAttempts } from '../../src/charges/recovery.ts';
import { refundsOfCharges } from '../../src/charges/refunds-store.ts';
import { resolveAttempt } from '../../src/charges/resolve.ts';
import type { Outcome } from '../../src/gateways/gateway.ts';
import { newId } from '../../src/ids.ts';
import { balances } from '../../src/ledger/balances.ts';
import { type ChargesBook, chargesBook } from '../support/charges-book.ts';
import {
  APPROVED,
  APPROVED_TOO,
  DECLINED,
  NOT_REACHED,
  type Script,
  scripted,
  UNKNOWN,
} from '../support/scripted-gateway.ts';

let at: ChargesBook;
let script: Script;
beforeEach(async () => {
  script = scripted();
  at = await chargesBook(script.wrap);
});
afterEach(() => at.close());

async function read(id: string): Promise<Charge | undefined> {
  return (await chargesById(at.book.reader, [id])).get(id);
}

async function attemptsOf(charge: Charge): Promise<Attempt[]> {
  return (await attemptsOfCharges(at.book.reader, [charge.id])).get(charge.id) ?? [];
}

async function lastAttempt(charge: Charge): Promise<string> {
  return (await attemptsOf(charge)).at(-1)?.id ?? '';
}

async function ledger(): Promise<Record<string, bigint>> {
  return Object.fromEntries(
    (await balances(at.book.reader)).map(({ account, balanceMinor }) => [account, balanceMinor]),
  );
}

/** A charge whose first send was lost on its way. */
function unknown(request: Partial<CreateCharge>): Promise<{ charge: Charge }> {
  script.sends = [UNKNOWN];
  return at.create('tok_approved', request);
}

const operator = (attemptId: string, changes: Partial<Parameters<typeof resolveAttempt>[1]> = {}) =>
  resolveAttempt(at.pipeline, {
    attemptId,
    as: 'not-executed',
    reason: 'seen in the dashboard',
    reference: null,
    force: false,
    dryRun: false,
    ...changes,
  });

test.each([
  ['tok_timeout_before', 'exhausted', 0n],
  ['tok_timeout_after_charging', 'captured', 1250n],
  ['tok_reset', 'captured', 1250n],
  ['tok_garbage', 'captured', 1250n],
  ['tok_500_after_charging', 'captured', 1250n],
])('%s is found out by the next run, sent again under no other key', async (token, status, capturedMinor) => {
  const { charge } = await at.create(token);
  expect(await resolveOpenAttempts(at.another())).toMatchObject({ resolved: 1, open: 0 });
  expect(await read(charge.id)).toMatchObject({ status, capturedMinor });
  expect(await attemptsOf(charge)).toHaveLength(1);
  expect((await at.executed()).reduce((sum, { amountMinor }) => sum + amountMinor, 0n)).toBe(capturedMinor);
});

test('a debit that settles is found out, one that waits for its customer is left', async () => {
  const settling = (await at.create('tok_settling')).charge;
  const waiting = (await at.create('tok_requires_action')).charge;
  expect(await resolveOpenAttempts(at.another())).toMatchObject({ resolved: 0, open: 2 });
  at.clock.advance(1_000);
  expect(await resolveOpenAttempts(at.another())).toMatchObject({ resolved: 1, open: 1 });
  expect([(await read(settling.id))?.status, (await read(waiting.id))?.status]).toEqual([
    'captured',
    'requires_action',
  ]);
});

test('a resend that was not executed says nothing of the first send', async () => {
  const alone = scripted({ absenceProof: 'none' });
  const other = await chargesBook(alone.wrap);
  try {
    alone.sends = [UNKNOWN, NOT_REACHED];
    alone.lookups = [{ kind: 'absent' }];
    const { charge } = await other.create('tok_approved');
    expect(await resolveOpenAttempts(other.another())).toMatchObject({ resolved: 0, open: 1 });
    const [attempt] = (await attemptsOfCharges(other.book.reader, [charge.id])).get(charge.id) ?? [];
    expect(attempt).toMatchObject({ outcome: 'unknown', sends: 2, unprovenSends: 1 });
    expect((await chargesById(other.book.reader, [charge.id])).get(charge.id)?.status).toBe('unknown');
  } finally {
    await other.close();
  }
});

test('an approval after all of a charge that was given up is its payment', async () => {
  script.sends = [DECLINED];
  const { charge } = await at.create('tok_approved');
  expect(charge.status).toBe('exhausted');
  const attemptId = await lastAttempt(charge);
  const settled = await at.pipeline.settle({ attemptId, outcome: APPROVED, source: 'lookup' });
  expect(settled).toMatchObject({
    charge: { status: 'captured', capturedMinor: 1250n, declineCode: null },
    attempt: { outcome: 'approved', late: true },
  });
  expect(await ledger()).toMatchObject({ 'revenue:sales': 1250n });
});

test('a second approval is a duplicate: owed to the customer, and not revenue', async () => {
  script.sends = [DECLINED, APPROVED];
  const { charge } = await at.create('tok_approved');
  const first = await lastAttempt(charge);
  await replayCharges(at.pipeline, [charge.id], 'again');
  const late = { attemptId: first, outcome: APPROVED_TOO, source: 'lookup' } as const;
  const settled = await at.pipeline.settle(late);
  expect(settled).toMatchObject({
    charge: { status: 'captured', capturedMinor: 1250n },
    attempt: { outcome: 'duplicate', late: true },
  });
  const expected = {
    'assets:gateway:simulated': 2500n,
    'revenue:sales': 1250n,
    'liabilities:customers:overpaid': 1250n,
  };
  expect(await ledger()).toEqual(expected);
  // The same news again changes nothing.
  expect(await at.pipeline.settle(late)).toEqual(settled);
  expect(await ledger()).toEqual(expected);
});

test('an approval of an earlier attempt makes the one under way a duplicate', async () => {
  script.sends = [DECLINED, UNKNOWN];
  const { charge } = await at.create('tok_approved');
  const first = await lastAttempt(charge);
  await replayCharges(at.pipeline, [charge.id], 'again');
  const second = await lastAttempt(charge);
  await at.pipeline.settle({ attemptId: first, outcome: APPROVED, source: 'lookup' });
  expect(await read(charge.id)).toMatchObject({ status: 'captured', capturedMinor: 1250n });
  const settled = await at.pipeline.settle({ attemptId: second, outcome: APPROVED_TOO, source: 'lookup' });
  expect(settled.attempt).toMatchObject({ outcome: 'duplicate', late: false });
  expect(await ledger()).toMatchObject({ 'liabilities:customers:overpaid': 1250n, 'revenue:sales': 1250n });
});

test('both approvals in one batch are one payment and one duplicate', async () => {
  script.sends = [DECLINED, UNKNOWN];
  const { charge } = await at.create('tok_approved');
  const first = await lastAttempt(charge);
  await replayCharges(at.pipeline, [charge.id], 'again');
  const second = await lastAttempt(charge);
  const settled = await Promise.all(
    [first, second].map((attemptId, index) =>
      at.pipeline.settle({ attemptId, outcome: index === 0 ? APPROVED : APPROVED_TOO, source: 'lookup' }),
    ),
  );
  expect(settled.map(({ attempt }) => attempt.outcome).sort()).toEqual(['approved', 'duplicate']);
  expect((await read(charge.id))?.capturedMinor).toBe(1250n);
});

test('a second capture that arrives after all is a duplicate as well', async () => {
  const { charge } = await at.create('tok_approved', { intent: 'authorize' });
  script.sends = [DECLINED, APPROVED];
  await captureCharge(at.pipeline, charge.id, null);
  const first = await lastAttempt(charge);
  expect(await captureCharge(at.pipeline, charge.id, null)).toMatchObject({ status: 'captured', capturedMinor: 1250n });
  const { attempt } = await at.pipeline.settle({ attemptId: first, outcome: APPROVED, source: 'lookup' });
  expect(attempt.outcome).toBe('duplicate');
  expect(await ledger()).toMatchObject({ 'liabilities:customers:overpaid': 1250n, 'revenue:sales': 1250n });
});

test('a refund that was made after all is recorded, even where more has been given back than was captured', async () => {
  const { charge } = await at.create('tok_approved');
  const give = () => refundCharge(at.pipeline, charge.id, { amountMinor: null, reason: null, idempotencyKey: null });
  script.sends = [NOT_REACHED];
  const first = await give();
  expect(first).toMatchObject({ charge: { refundReservedMinor: 0n, refundedMinor: 0n }, refund: { status: 'failed' } });
  await give();
  const { attemptId } = first.refund;
  await at.pipeline.settle({ attemptId: attemptId ?? '', outcome: APPROVED, source: 'lookup' });
  expect(await read(charge.id)).toMatchObject({ refundReservedMinor: 0n, refundedMinor: 2500n });
  expect((await refundsOfCharges(at.book.reader, [charge.id])).map(({ status }) => status)).toEqual([
    'succeeded',
    'succeeded',
  ]);
  expect(await ledger()).toMatchObject({ 'assets:gateway:simulated': -1250n, 'revenue:refunds': 2500n });
  await expect(give()).rejects.toMatchObject({ code: 'amount_exceeds' });
});

/** A charge that was declined, as far as we know; then a late copy of its request reached the bank after all. */
async function declinedButExecuted(): Promise<Charge> {
  script.sends = [DECLINED];
  const { charge } = await at.create('tok_approved', { policy: 'standard' });
  const [attempt] = await attemptsOf(charge);
  if (attempt === undefined) throw new Error('no attempt');
  const gateway = await at.pipeline.context.gateway('simulated');
  expect(await gateway.send(requestOf(attempt), new AbortController().signal)).toMatchObject({ kind: 'approved' });
  return charge;
}

test('a cancel that finds the money collected makes the charge captured', async () => {
  const charge = await declinedButExecuted();
  expect(await cancelCharge(at.pipeline, charge.id, null)).toMatchObject({ status: 'captured', capturedMinor: 1250n });
  expect(await ledger()).toMatchObject({ 'revenue:sales': 1250n });
});

test('a cancel that finds another amount collected books nothing', async () => {
  const charge = await declinedButExecuted();
  script.cancels = [{ kind: 'executed', outcome: { ...APPROVED, amountMinor: 9n } as Outcome }];
  expect(await cancelCharge(at.pipeline, charge.id, null)).toMatchObject({ status: 'failed', capturedMinor: 0n });
  expect(await ledger()).toEqual({});
});

test('after a cancel no late copy of the request is executed any more', async () => {
  script.sends = [DECLINED];
  const { charge } = await at.create('tok_approved', { policy: 'standard' });
  const [attempt] = await attemptsOf(charge);
  if (attempt === undefined) throw new Error('no attempt');
  expect(await cancelCharge(at.pipeline, charge.id, null)).toMatchObject({ status: 'cancelled' });
  const gateway = await at.pipeline.context.gateway('simulated');
  const late = await gateway.send(requestOf(attempt), new AbortController().signal);
  expect(late).toMatchObject({ kind: 'rejected', providerCode: 'payment_cancelled' });
  expect(await at.executed()).toEqual([]);
});

test('once approved, nothing else is believed', async () => {
  const { charge } = await at.create('tok_approved');
  const attemptId = await lastAttempt(charge);
  for (const outcome of [DECLINED, NOT_REACHED, UNKNOWN]) {
    await at.pipeline.settle({ attemptId, outcome, source: 'lookup' });
  }
  expect(await read(charge.id)).toEqual(charge);
});

test.each([
  ['approved', 'captured', 'approved', 1250n],
  ['declined', 'exhausted', 'declined', 0n],
  ['not-executed', 'exhausted', 'rejected', 0n],
] as const)('with --force %s makes the charge %s', async (as, status, outcome, capturedMinor) => {
  const { charge } = await unknown({ policy: 'standard' });
  const attemptId = await lastAttempt(charge);
  const preview = await operator(attemptId, { as, force: true, dryRun: true });
  expect(preview).toMatchObject({ charge: { status }, attempt: { outcome } });
  expect(await read(charge.id)).toEqual(charge);
  const settled = await operator(attemptId, { as, force: true });
  expect(settled).toMatchObject({ charge: { status, capturedMinor }, attempt: { outcome } });
  expect((await ledger())['revenue:sales'] ?? 0n).toBe(capturedMinor);
  const rows = (await at.book.reader.raw(
    `SELECT reason, after FROM audit_rows WHERE subject = ? AND reason IS NOT NULL`,
    [attemptId],
  )) as { reason: string; after: string }[];
  expect(rows).toHaveLength(1);
  expect(rows[0]).toMatchObject({ reason: 'seen in the dashboard', after: expect.stringContaining('"by":"operator"') });
});

test('an operator waits for a process that is still at work on the attempt', async () => {
  const methodId = await at.method('tok_approved');
  const request = at.request(methodId);
  const nowMs = at.clock.nowMs();
  const facts = {
    ...request,
    id: newId('charge', nowMs),
    scheduleId: null,
    period: null,
    timezone: null,
    dueAt: nowMs,
  };
  const opened = await at.pipeline.open({ kind: 'create', charge: newCharge(facts, nowMs), runId: null });
  if (opened.kind !== 'opened') throw new Error(`not opened: ${opened.kind}`);
  const { attempt } = opened;
  // Long after the key has lapsed, in a process that has just renewed its lease.
  at.clock.advance(13 * 3_600_000);
  await at.pipeline.context.owner.hold();
  await expect(operator(attempt.id)).rejects.toMatchObject({
    code: 'proof_possible',
    message: expect.stringContaining('still at work'),
  });
  await at.pipeline.context.owner.release();
  // Its bank could still close the payment; by then it takes --force.
  expect((await operator(attempt.id, { force: true })).attempt.outcome).toBe('rejected');
  expect((await attemptsById(at.book.reader, [attempt.id])).get(attempt.id)?.settledAt).not.toBeNull();
});
