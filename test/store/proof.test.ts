// What recovery writes down about attempts that stay unknown, and what it may build on a lookup that finds nothing.
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Attempt } from '../../src/charges/attempt.ts';
import type { Charge } from '../../src/charges/charge.ts';
import { chargePage, countCharges } from '../../src/charges/charge-lists-store.ts';
import { captureCharge, refundCharge, voidCharge } from '../../src/charges/operations.ts';
import { pause } from '../../src/charges/pause.ts';
import { resolveOpenAttempts } from '../../src/charges/recovery.ts';
import { writeTrx } from '../../src/storage/trx.ts';
import { type Answer, type KeyedBank, keyedBank } from '../support/keyed-bank.ts';
import { type TwoProcesses, twoProcesses } from '../support/two-processes.ts';

const HOUR_MS = 3_600_000;
const LAG_MS = HOUR_MS;
let bank: KeyedBank;
let at: TwoProcesses;
beforeEach(() => start({}));
afterEach(() => at.close());

async function start(capabilities: Parameters<typeof keyedBank>[0]): Promise<void> {
  bank = keyedBank(capabilities);
  at = await twoProcesses(bank);
}

async function restart(capabilities: Parameters<typeof keyedBank>[0]): Promise<void> {
  await at.close();
  await start(capabilities);
}

/** A charge that process A has sent, answered so. */
async function sent(answer: Answer, intent: Charge['intent'] = 'sale'): Promise<Charge> {
  const { id } = await at.due({ intent });
  bank.answers = [answer];
  await at.a.pipeline.collect(await at.a.open(id));
  await at.a.owner.release();
  return at.charge(id);
}

async function lastAttempt(chargeId: string): Promise<Attempt> {
  const attempt = (await at.attempts(chargeId)).at(-1);
  if (attempt === undefined) throw new Error('no attempt');
  return attempt;
}

const recover = () => resolveOpenAttempts(at.b.pipeline);

test('a lookup that was not answered is a try, counted and dated, and another one counts on', async () => {
  const { id } = await sent('lose_answer');
  expect(await lastAttempt(id)).toMatchObject({ proofTries: 0, proofTriedAt: null, proofResult: null });
  bank.lookup = { kind: 'unavailable', reason: 'timeout' };
  at.clock.advance(1_000);
  await recover();
  const triedAt = at.clock.nowMs();
  const tried = { proofResult: 'unavailable', proofTriedAt: triedAt, proofNextAt: null, ownerId: null };
  expect(await lastAttempt(id)).toMatchObject({ ...tried, proofTries: 1 });
  at.clock.advance(1_000);
  await recover();
  expect(await lastAttempt(id)).toMatchObject({ ...tried, proofTries: 2, proofTriedAt: triedAt + 1_000 });
});

test('a lookup and a resend are two tries; what ends it is written down as well', async () => {
  const { id } = await sent('lose_request');
  bank.answers = ['lose_request'];
  await recover();
  expect(await lastAttempt(id)).toMatchObject({ proofTries: 2, proofResult: 'resend_unknown', outcome: 'unknown' });
  bank.answers = ['throttle'];
  await recover();
  expect(await lastAttempt(id)).toMatchObject({ proofTries: 4, proofResult: 'resend_refused', outcome: 'unknown' });
  await recover();
  expect(await lastAttempt(id)).toMatchObject({ proofTries: 6, proofResult: 'resend_answered', outcome: 'approved' });
});

test('forty attempts that nothing is found out about are noted in a handful of commits', async () => {
  const ids: string[] = [];
  for (let n = 0; n < 40; n += 1) ids.push((await at.due()).id);
  bank.otherwise = 'lose_request';
  for (const id of ids) await at.a.pipeline.collect(await at.a.open(id));
  await at.a.owner.release();
  bank.lookup = { kind: 'unavailable', reason: 'timeout' };
  let commits = 0;
  at.b.book.db.on('query', ({ sql }: { sql: string }) => {
    if (/^commit/i.test(sql)) commits += 1;
  });
  await recover();
  for (const id of ids) expect(await lastAttempt(id)).toMatchObject({ proofTries: 1, proofResult: 'unavailable' });
  // The lease, the claim, and what is given back.
  expect(commits).toBeGreaterThan(0);
  expect(commits).toBeLessThanOrEqual(8);
});

test('an absence within the lag of lookups proves nothing: nothing is sent until it counts', async () => {
  await restart({ lookupLagMs: LAG_MS });
  const { id } = await sent('lose_answer');
  const countsAt = (await lastAttempt(id)).lastSentAt + LAG_MS;
  at.clock.advance(LAG_MS - 1);
  expect(await recover()).toMatchObject({ resolved: 0, open: 1 });
  expect(bank.sendsOf(id)).toBe(1);
  expect(await lastAttempt(id)).toMatchObject({
    proofTries: 1,
    proofResult: 'absent_within_lag',
    proofNextAt: countsAt,
    outcome: 'unknown',
  });
  at.clock.advance(1);
  expect(await recover()).toMatchObject({ resolved: 1 });
  expect([bank.sendsOf(id), bank.executionsOf(id)]).toEqual([2, 1]);
  expect(await lastAttempt(id)).toMatchObject({ outcome: 'approved', proofNextAt: null });
});

test('a key that the provider forgets early: within the lag nothing is sent under it a second time', async () => {
  await restart({ lookupLagMs: LAG_MS });
  const { id } = await sent('lose_answer');
  bank.forgetKeys();
  at.clock.advance(LAG_MS / 2);
  await recover();
  // The list shows it by the time that absence would have counted.
  bank.lookup = {
    kind: 'found',
    outcome: { kind: 'approved', reference: 'seen', amountMinor: 1250n, providerCode: null },
  };
  at.clock.advance(LAG_MS);
  await recover();
  expect([bank.sendsOf(id), bank.executionsOf(id)]).toEqual([1, 1]);
  expect(await at.charge(id)).toMatchObject({ status: 'captured', capturedMinor: 1250n });
});

test('where closing is conclusive, a lagging lookup does not hold it up', async () => {
  await restart({ lookupLagMs: LAG_MS, absenceProof: 'cancel' });
  const { id } = await sent('lose_request');
  bank.answers = ['lose_request'];
  bank.cancellation = { kind: 'closed' };
  expect(await recover()).toMatchObject({ resolved: 1 });
  expect(await lastAttempt(id)).toMatchObject({ outcome: 'rejected', proofTries: 3, proofResult: 'closed' });
});

test('while sending is paused nothing is closed either', async () => {
  await restart({ absenceProof: 'cancel' });
  bank.cancellation = { kind: 'closed' };
  const { id } = await sent('lose_request');
  await pause(at.a.pipeline.context, 'keyed', 'incident');
  expect(await recover()).toMatchObject({ resolved: 0, open: 1 });
  expect([bank.sends.length, bank.cancels.length]).toEqual([1, 0]);
  expect(await lastAttempt(id)).toMatchObject({ proofResult: 'paused', proofTries: 1 });
});

test('an attempt that another process takes over during its lookup is not closed', async () => {
  await restart({ absenceProof: 'cancel' });
  bank.cancellation = { kind: 'closed' };
  const { id } = await sent('lose_request');
  const attempt = await lastAttempt(id);
  bank.duringLookup = async () => {
    await writeTrx(at.a.book, (trx) => trx.raw('UPDATE attempts SET epoch = epoch + 1 WHERE id = ?', [attempt.id]));
  };
  await recover();
  expect([bank.sends.length, bank.cancels.length]).toEqual([1, 0]);
  expect(await lastAttempt(id)).toMatchObject({ outcome: 'unknown', proofTries: 0 });
});

test('a lookup that tells of another amount is left to an operator: nothing is sent or closed', async () => {
  await restart({ absenceProof: 'cancel' });
  const { id } = await sent('lose_answer');
  const outcome = { kind: 'approved', reference: 'r', amountMinor: 1249n, providerCode: null } as const;
  bank.lookup = { kind: 'found', outcome };
  expect(await recover()).toMatchObject({ resolved: 0, open: 1 });
  expect([bank.sends.length, bank.cancels.length]).toEqual([1, 0]);
  expect(await lastAttempt(id)).toMatchObject({ proofResult: 'mismatch', outcome: 'unknown' });
});

test('a gateway that is configured no more is written down', async () => {
  const { id } = await sent('lose_answer');
  bank.isConfigured = false;
  expect(await recover()).toMatchObject({ resolved: 0, open: 1, errors: [{ code: 'unknown_gateway' }] });
  expect(await lastAttempt(id)).toMatchObject({ proofTries: 0, proofResult: 'no_gateway', ownerId: null });
});

const OPERATIONS = ['capture', 'void', 'refund'] as const;
type Acting = (typeof OPERATIONS)[number];

/** A charge with an unknown operation of this kind. */
async function acting(operation: Acting, answer: Answer): Promise<Charge> {
  const { id } = await sent('approve', operation === 'refund' ? 'sale' : 'authorize');
  bank.answers = [answer];
  const { pipeline, owner } = at.a;
  if (operation === 'capture') await captureCharge(pipeline, id, null);
  else if (operation === 'void') await voidCharge(pipeline, id);
  else await refundCharge(pipeline, id, { amountMinor: null, reason: null, idempotencyKey: null });
  await owner.release();
  return at.charge(id);
}

const DONE = { capture: 'captured', void: 'voided', refund: 'captured' } as const;

test.each(OPERATIONS)('an unknown %s is sent again under its key, and never closed', async (operation) => {
  await restart({ absenceProof: 'cancel' });
  bank.cancellation = { kind: 'closed' };
  const before = await acting(operation, 'lose_answer');
  expect(before.status).toBe(operation === 'refund' ? 'captured' : 'authorized');
  bank.answers = ['lose_request'];
  expect(await recover()).toMatchObject({ resolved: 0, open: 1 });
  expect((await at.charge(before.id)).status).toBe(before.status);
  expect(await recover()).toMatchObject({ resolved: 1 });
  expect((await at.charge(before.id)).status).toBe(DONE[operation]);
  expect(bank.cancels).toEqual([]);
  const keys = bank.sends.filter((request) => request.operation === operation).map((request) => request.idempotencyKey);
  expect([keys.length, new Set(keys).size]).toEqual([3, 1]);
  expect(bank.executed.filter(({ key }) => key === keys[0])).toHaveLength(1);
});

test.each(OPERATIONS)('an unknown %s whose key is too old is left to an operator, its charge as it was', async (op) => {
  const before = await acting(op, 'lose_request');
  at.clock.advance(12 * HOUR_MS + 1);
  expect(await recover()).toMatchObject({ resolved: 0, open: 1 });
  expect(await at.charge(before.id)).toMatchObject({
    status: before.status,
    refundReservedMinor: op === 'refund' ? 1250n : 0n,
  });
  expect(await lastAttempt(before.id)).toMatchObject({ sends: 1, outcome: 'unknown', proofResult: 'absent' });
});

test.each(OPERATIONS)('charges with an unknown %s are found among the unknown ones', async (operation) => {
  const { id } = await acting(operation, 'lose_request');
  const { id: collecting } = await at.due();
  bank.answers = ['lose_answer'];
  await at.a.pipeline.collect(await at.a.open(collecting));
  await at.due();
  const filter = { statuses: ['unknown' as const] };
  const idsOf = async (openOperations: boolean): Promise<string[]> =>
    (await chargePage(at.b.book.reader, { ...filter, openOperations }, 10)).map((charge) => charge.id).sort();
  expect(await idsOf(true)).toEqual([id, collecting].sort());
  expect(await idsOf(false)).toEqual([collecting]);
  expect(await countCharges(at.b.book.reader, { ...filter, openOperations: true })).toBe(2);
  bank.otherwise = 'approve';
  await at.a.owner.release();
  await recover();
  expect(await idsOf(true)).toEqual([]);
});

test('they are found by the two partial indexes, never by reading every charge', async () => {
  const { reader } = at.b.book;
  const queries: { sql: string; bindings: number[] }[] = [];
  const listen = ({ sql, bindings }: { sql: string; bindings: number[] }): void => void queries.push({ sql, bindings });
  reader.on('query', listen);
  const filter = { statuses: ['unknown' as const], openOperations: true };
  const [page] = await chargePage(reader, filter, 50);
  await countCharges(reader, { ...filter, statuses: ['unknown', 'failed'] });
  reader.off('query', listen);
  expect([page, queries.length]).toEqual([undefined, 2]);
  for (const { sql, bindings } of queries) {
    const plan = (await reader.raw(`EXPLAIN QUERY PLAN ${sql}`, bindings)) as { detail: string }[];
    const text = plan.map(({ detail }) => detail).join('\n');
    expect(text).toContain('charges_unfinished');
    expect(text).toContain('attempts_open');
    expect(text).not.toMatch(/SCAN charges(?! USING (COVERING )?INDEX charges_unfinished)/);
  }
});
