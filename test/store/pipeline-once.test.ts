// Once per run, once per period, one payment object after another, and no approval of another amount: with a bank that
// would execute every new key.
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Attempt } from '../../src/charges/attempt.ts';
import { insertAttempts } from '../../src/charges/attempts-store.ts';
import { dueCharges, insertCharges } from '../../src/charges/charges-store.ts';
import { resolveOpenAttempts } from '../../src/charges/recovery.ts';
import type { Outcome } from '../../src/gateways/gateway.ts';
import { newId } from '../../src/ids.ts';
import { writeTrx } from '../../src/storage/trx.ts';
import { type KeyedBank, keyedBank } from '../support/keyed-bank.ts';
import { type TwoProcesses, twoProcesses } from '../support/two-processes.ts';

const DAY_MS = 24 * 3_600_000;
let bank: KeyedBank;
let at: TwoProcesses;
beforeEach(async () => {
  bank = keyedBank({ absenceProof: 'cancel' });
  at = await twoProcesses(bank);
});
afterEach(() => at.close());

/** Later than every retry that the policy would plan for a charge of now. */
const farAhead = (): number => at.clock.nowMs() + 20 * DAY_MS;

const REFUSED = { code: 'SQLITE_CONSTRAINT' };

test('a run sends each charge once, though by its as-of the retries are due as well', async () => {
  bank.otherwise = 'decline';
  const ids: string[] = [];
  // More than two pages.
  for (let count = 0; count < 140; count += 1) ids.push((await at.due()).id);
  const { run } = await at.a.run(farAhead());
  expect(run).toMatchObject({ status: 'finished', counts: { due: 140, retried: 0, declined: 140 } });
  expect(ids.map((id) => bank.sendsOf(id))).toEqual(ids.map(() => 1));
  expect(await at.charge(ids[0] ?? '')).toMatchObject({ status: 'failed', softDeclines: 1, lastRunId: run.id });
  // The next run has its turn.
  const next = await at.b.run(farAhead());
  expect(next.run.counts).toMatchObject({ due: 140, retried: 140 });
  expect(ids.map((id) => bank.sendsOf(id))).toEqual(ids.map(() => 2));
});

test('what a run has tried is neither offered to it again nor opened, whoever asks', async () => {
  bank.otherwise = 'decline';
  const { id } = await at.due();
  await at.a.pipeline.collect(await at.a.open(id, 'run_1'));
  const asOfMs = farAhead();
  const request = { kind: 'collect', chargeId: id, asOfMs } as const;
  expect(await dueCharges(at.a.book.reader, 'retry', asOfMs, 'run_1', 10)).toEqual([]);
  expect(await at.b.pipeline.open({ ...request, runId: 'run_1' })).toEqual({ kind: 'taken' });
  expect((await dueCharges(at.a.book.reader, 'retry', asOfMs, 'run_2', 10)).map((due) => due.id)).toEqual([id]);
  expect(await at.b.pipeline.open({ ...request, runId: 'run_2' })).toMatchObject({ kind: 'opened' });
});

test('what recovery has sent again for a run is not tried under a new key by that run', async () => {
  const { id } = await at.due();
  bank.answers = ['lose_request'];
  await at.a.pipeline.collect(await at.a.open(id));
  bank.otherwise = 'decline';
  await at.b.run(farAhead());
  expect([bank.sendsOf(id), bank.keysOf(id).size]).toEqual([2, 1]);
  expect(await at.charge(id)).toMatchObject({ status: 'failed', softDeclines: 1, attemptCount: 1 });
});

test('two processes that open one charge at once send it once', async () => {
  const { id } = await at.due();
  const request = { kind: 'collect', chargeId: id, asOfMs: at.clock.nowMs(), runId: null } as const;
  const opened = await Promise.all([at.a, at.b, at.a].map(({ pipeline }) => pipeline.open(request)));
  expect(opened.map(({ kind }) => kind).sort()).toEqual(['opened', 'taken', 'taken']);
});

test('no second charge of one period, and no second attempt beside one that is open or has collected', async () => {
  const period = { scheduleId: 'sch_1', period: '2026-01-15' };
  const charge = await at.due(period);
  const insert = (changes: object) =>
    writeTrx(at.b.book, (trx) => insertCharges(trx, [{ ...charge, id: newId('charge', 0), ...changes }]));
  await expect(insert({})).rejects.toMatchObject(REFUSED);
  await insert({ period: '2026-02-15' });
  await insert({ scheduleId: 'sch_2' });

  const first = await at.a.open(charge.id);
  const another = (changes: Partial<Attempt>) =>
    writeTrx(at.b.book, (trx) =>
      insertAttempts(trx, [{ ...first, id: newId('attempt', 0), number: 2, outcome: null, ...changes }]),
    );
  await expect(another({})).rejects.toMatchObject(REFUSED);
  await expect(another({ operation: 'refund' })).rejects.toMatchObject(REFUSED);
  await at.a.pipeline.collect(first);
  await expect(another({})).rejects.toMatchObject(REFUSED);
  await expect(another({ operation: 'authorize', outcome: 'approved' })).rejects.toMatchObject(REFUSED);
  await another({ operation: 'refund' });
});

test('after a closed object the next attempt is prepared for a new one', async () => {
  const { id } = await at.due();
  bank.answers = ['decline', 'lose_request', 'refuse_connection'];
  bank.cancellation = { kind: 'closed' };
  await at.a.pipeline.collect(await at.a.open(id));
  // A decline closes nothing: the second attempt confirms the same object.
  await at.a.pipeline.collect(await at.a.open(id));
  expect((await at.charge(id)).status).toBe('unknown');
  expect(await resolveOpenAttempts(at.b.pipeline)).toMatchObject({ resolved: 1, open: 0 });
  expect(await at.charge(id)).toMatchObject({ status: 'failed', objectGeneration: 1, objectId: null });
  await at.a.pipeline.collect(await at.a.open(id));
  const object = `object_0_${id}`;
  expect(bank.prepared.map(({ objectId, objectGeneration }) => [objectId, objectGeneration])).toEqual([
    [null, 0],
    [object, 0],
    [null, 1],
  ]);
  expect((await at.attempts(id)).map(({ objectId }) => objectId)).toEqual([object, object, `object_1_${id}`]);
  expect([bank.keysOf(id).size, bank.executionsOf(id)]).toEqual([3, 1]);
});

test.each([[{ kind: 'unsupported' }], [{ kind: 'unavailable', reason: 'timeout' }]] as const)(
  'a cancel that is %j closes nothing',
  async (cancellation) => {
    const { id } = await at.due();
    bank.answers = ['lose_answer', 'refuse_connection'];
    bank.cancellation = cancellation;
    await at.a.pipeline.collect(await at.a.open(id));
    expect(await resolveOpenAttempts(at.b.pipeline)).toMatchObject({ resolved: 0, open: 1 });
    expect(bank.cancels).toHaveLength(1);
    expect(await at.charge(id)).toMatchObject({ status: 'unknown', objectGeneration: 0, objectId: `object_0_${id}` });
  },
);

test('where a gateway says that its cancel proves nothing, it is not asked to', async () => {
  bank.gateway.capabilities.absenceProof = 'none';
  bank.cancellation = { kind: 'closed' };
  const { id } = await at.due();
  bank.answers = ['lose_answer', 'refuse_connection'];
  await at.a.pipeline.collect(await at.a.open(id));
  expect(await resolveOpenAttempts(at.b.pipeline)).toMatchObject({ resolved: 0, open: 1 });
  expect([bank.cancels.length, (await at.charge(id)).status]).toEqual([0, 'unknown']);
});

const SHORT: Outcome = { kind: 'approved', reference: 'ref', amountMinor: 1249n, providerCode: null };

test('an approval of another amount is booked by no one: not by send, resend, lookup or cancel', async () => {
  const { id } = await at.due();
  const attempt = await at.a.open(id);
  bank.answers = ['short_amount'];
  expect(await at.a.pipeline.collect(attempt)).toMatchObject({
    outcome: { kind: 'unknown', reason: 'amount_mismatch' },
    attempt: { outcome: 'unknown', providerMessage: 'approved 1249 instead of 1250' },
  });
  // The same key is answered as before: by the resend first, then by a lookup, then by a cancel after a lost resend.
  expect(await resolveOpenAttempts(at.b.pipeline)).toMatchObject({ resolved: 0, open: 1 });
  expect(bank.sendsOf(id)).toBe(2);
  bank.lookup = { kind: 'found', outcome: SHORT };
  expect(await resolveOpenAttempts(at.b.pipeline)).toMatchObject({ resolved: 0, open: 1 });
  bank.lookup = { kind: 'absent' };
  bank.answers = ['lose_request'];
  bank.cancellation = { kind: 'executed', outcome: SHORT };
  expect(await resolveOpenAttempts(at.b.pipeline)).toMatchObject({ resolved: 0, open: 1 });
  expect(bank.cancels).not.toEqual([]);
  expect(await at.charge(id)).toMatchObject({ status: 'unknown', capturedMinor: 0n });
  expect(await at.ledger()).toEqual({});
});
