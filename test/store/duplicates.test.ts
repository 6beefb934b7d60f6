// A second approval of one charge: booked as owed to the customer, and given back once, at its own payment.
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Attempt } from '../../src/charges/attempt.ts';
import { unreturnedDuplicates } from '../../src/charges/attempts-store.ts';
import type { Charge } from '../../src/charges/charge.ts';
import { proposedRefunds } from '../../src/charges/duplicates.ts';
import { captureCharge, type RefundOptions, refundCharge, replayCharges } from '../../src/charges/operations.ts';
import { refundsOfCharges } from '../../src/charges/refunds-store.ts';
import type { Outcome } from '../../src/gateways/gateway.ts';
import { checkLedger } from '../../src/inspection/ledger-check.ts';
import { writeTrx } from '../../src/storage/trx.ts';
import { type KeyedBank, keyedBank } from '../support/keyed-bank.ts';
import { type TwoProcesses, twoProcesses } from '../support/two-processes.ts';

let bank: KeyedBank;
let at: TwoProcesses;
beforeEach(async () => {
  bank = keyedBank();
  at = await twoProcesses(bank);
});
afterEach(() => at.close());

const approved = (reference: string): Outcome => ({
  kind: 'approved',
  reference,
  amountMinor: 1250n,
  providerCode: null,
});

/** A charge that was declined, replayed and approved; then its first request turns out to have been executed. */
async function paidTwice(intent: Charge['intent'] = 'sale'): Promise<{ charge: Charge; duplicate: Attempt }> {
  const { id } = await at.due({ policy: 'none', intent });
  bank.answers = ['decline'];
  await at.a.pipeline.collect(await at.a.open(id));
  // Its object was closed, as far as anyone knew: the next attempt made another.
  await writeTrx(at.a.book, (trx) =>
    trx.raw('UPDATE charges SET object_generation = 1, object_id = NULL WHERE id = ?', [id]),
  );
  await replayCharges(at.a.pipeline, [id], 'again');
  const [first] = await at.attempts(id);
  if (first === undefined) throw new Error('no attempt');
  await at.a.pipeline.settle({ attemptId: first.id, outcome: approved('late'), source: 'lookup' });
  const duplicate = (await at.attempts(id))[0];
  if (duplicate === undefined) throw new Error('no attempt');
  expect(duplicate.outcome).toBe('duplicate');
  return { charge: await at.charge(id), duplicate };
}

const giveBack = (charge: Charge, duplicate: Attempt, more: Partial<RefundOptions> = {}) =>
  refundCharge(at.a.pipeline, charge.id, {
    amountMinor: null,
    reason: null,
    idempotencyKey: null,
    duplicateAttemptId: duplicate.id,
    ...more,
  });

async function assertSound(): Promise<void> {
  expect((await checkLedger(at.b.book.reader, { deep: false })).findings).toEqual([]);
}

test('is given back at its own payment, and stays out of what the charge has given back', async () => {
  const { charge, duplicate } = await paidTwice();
  await assertSound();
  const { refund, charge: after } = await giveBack(charge, duplicate);
  expect(refund).toMatchObject({ status: 'succeeded', amountMinor: 1250n, duplicateAttemptId: duplicate.id });
  expect(after).toMatchObject({ status: 'captured', capturedMinor: 1250n, refundedMinor: 0n, refundReservedMinor: 0n });
  const facts = bank.prepared.at(-1);
  expect(facts).toMatchObject({
    operation: 'refund',
    actsOn: { attemptId: duplicate.id, objectId: duplicate.objectId, reference: 'late' },
  });
  expect(bank.sends.at(-1)?.objectId).toBe(duplicate.objectId);
  expect(after.objectId).not.toBe(duplicate.objectId);
  expect(await at.ledger()).toEqual({
    'assets:gateway:keyed': 1250n,
    'revenue:sales': 1250n,
    'liabilities:customers:overpaid': 0n,
  });
  await assertSound();
});

test('what the charge itself collected can still be given back, at its own payment', async () => {
  const { charge, duplicate } = await paidTwice();
  await giveBack(charge, duplicate);
  const { charge: after } = await refundCharge(at.a.pipeline, charge.id, {
    amountMinor: null,
    reason: null,
    idempotencyKey: null,
  });
  expect(after.refundedMinor).toBe(1250n);
  const collected = (await at.attempts(charge.id))[1];
  expect(bank.prepared.at(-1)?.actsOn).toMatchObject({ attemptId: collected?.id, objectId: collected?.objectId });
  expect((await at.ledger())['assets:gateway:keyed']).toBe(0n);
  await assertSound();
});

test('is given back once', async () => {
  const { charge, duplicate } = await paidTwice();
  await giveBack(charge, duplicate);
  await expect(giveBack(charge, duplicate)).rejects.toMatchObject({
    code: 'invalid_state',
    message: expect.stringContaining('was given back by refund'),
  });
  expect(bank.sends.filter(({ operation }) => operation === 'refund')).toHaveLength(1);
});

test('two processes at once give it back once', async () => {
  const { charge, duplicate } = await paidTwice();
  const options = { amountMinor: null, reason: null, idempotencyKey: null, duplicateAttemptId: duplicate.id };
  const results = await Promise.allSettled(
    [at.a, at.b].map(({ pipeline }) => refundCharge(pipeline, charge.id, options)),
  );
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(bank.sends.filter(({ operation }) => operation === 'refund')).toHaveLength(1);
});

test('the book itself refuses a second refund of it', async () => {
  const { charge, duplicate } = await paidTwice();
  await giveBack(charge, duplicate);
  const copy = `INSERT INTO refunds SELECT 're_other', charge_id, attempt_id, amount_minor, currency, status, reason,
    idempotency_key, request_hash, created_at, updated_at, duplicate_attempt_id FROM refunds`;
  await expect(writeTrx(at.a.book, (trx) => trx.raw(copy))).rejects.toThrow('given back already');
});

test('under the same key it is made once, and answered again', async () => {
  const { charge, duplicate } = await paidTwice();
  const first = await giveBack(charge, duplicate, { idempotencyKey: 'd1' });
  expect(await giveBack(charge, duplicate, { idempotencyKey: 'd1' })).toEqual({ ...first, replayed: true });
  const ofCharge = { amountMinor: null, reason: null, idempotencyKey: 'd1' };
  await expect(refundCharge(at.a.pipeline, charge.id, ofCharge)).rejects.toMatchObject({
    code: 'idempotency_conflict',
  });
});

test('an attempt that is no duplicate, or of another charge, is refused', async () => {
  const { charge } = await paidTwice();
  const other = await paidTwice();
  const collected = (await at.attempts(charge.id))[1];
  if (collected === undefined) throw new Error('no attempt');
  await expect(giveBack(charge, collected)).rejects.toMatchObject({ code: 'invalid_state' });
  await expect(giveBack(charge, other.duplicate)).rejects.toMatchObject({ code: 'not_found' });
  expect(bank.sends.filter(({ operation }) => operation === 'refund')).toEqual([]);
});

test('a second hold took no money, and has nothing to give back', async () => {
  const { charge, duplicate } = await paidTwice('authorize');
  await assertSound();
  await expect(giveBack(charge, duplicate)).rejects.toMatchObject({
    code: 'invalid_state',
    message: expect.stringContaining('only holds'),
  });
  expect(await unreturnedDuplicates(at.b.book.reader, 10)).toEqual([]);
});

test('a second capture is booked and given back as well', async () => {
  const { id } = await at.due({ intent: 'authorize' });
  await at.a.pipeline.collect(await at.a.open(id));
  bank.answers = ['decline', 'approve'];
  await captureCharge(at.a.pipeline, id, null);
  await captureCharge(at.a.pipeline, id, null);
  const lost = (await at.attempts(id))[1];
  await at.a.pipeline.settle({ attemptId: lost?.id ?? '', outcome: approved('late'), source: 'lookup' });
  const duplicate = (await at.attempts(id))[1];
  if (duplicate === undefined) throw new Error('no attempt');
  expect(duplicate.outcome).toBe('duplicate');
  await assertSound();
  await giveBack(await at.charge(id), duplicate);
  expect(await at.ledger()).toMatchObject({ 'liabilities:customers:overpaid': 0n, 'revenue:sales': 1250n });
  await assertSound();
});

test('is proposed until it is given back, and again when that failed', async () => {
  const { charge, duplicate } = await paidTwice();
  const { reader } = at.b.book;
  const command = `bursar charges refund ${charge.id} --duplicate ${duplicate.id}`;
  const proposed = async (): Promise<string[]> => [
    ...(await proposedRefunds(reader, await at.attempts(charge.id))).values(),
  ];
  const owed = async (): Promise<string[]> => (await unreturnedDuplicates(reader, 10)).map(({ id }) => id);
  expect([await proposed(), await owed()]).toEqual([[command], [duplicate.id]]);
  bank.answers = ['decline'];
  expect((await giveBack(charge, duplicate)).refund.status).toBe('failed');
  expect([await proposed(), await owed()]).toEqual([[command], [duplicate.id]]);
  bank.answers = ['lose_answer'];
  const pending = await giveBack(charge, duplicate);
  expect(pending).toMatchObject({ refund: { status: 'pending' }, charge: { refundReservedMinor: 0n } });
  expect([await proposed(), await owed()]).toEqual([[], []]);
  await assertSound();
});

test('a refund of it that was thought to have failed and was made after all is recorded beside the one that was made', async () => {
  const { charge, duplicate } = await paidTwice();
  bank.answers = ['decline'];
  const failed = await giveBack(charge, duplicate);
  await giveBack(charge, duplicate);
  const { attemptId } = failed.refund;
  await at.a.pipeline.settle({ attemptId: attemptId ?? '', outcome: approved('after all'), source: 'lookup' });
  const refunds = await refundsOfCharges(at.b.book.reader, [charge.id]);
  expect(refunds.map(({ status }) => status)).toEqual(['succeeded', 'succeeded']);
  // Given back once too often: the customer owes it to us.
  expect((await at.ledger())['liabilities:customers:overpaid']).toBe(-1250n);
  await assertSound();
});

test('ledger check names a refund that gives back something else than a second approval', async () => {
  const { charge, duplicate } = await paidTwice();
  const { refund } = await giveBack(charge, duplicate);
  const collected = (await at.attempts(charge.id))[1];
  await writeTrx(at.a.book, (trx) =>
    trx.raw('UPDATE refunds SET duplicate_attempt_id = ? WHERE id = ?', [collected?.id ?? '', refund.id]),
  );
  const { findings } = await checkLedger(at.b.book.reader, { deep: false });
  expect(findings).toContainEqual(expect.objectContaining({ code: 'refund_duplicate', subject: refund.id }));
});
