// Charges against the real simulated bank: what each token comes to, and that a repeated request pays once.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { countAttempts } from '../../src/charges/attempt-lists-store.ts';
import { openAttemptsOf } from '../../src/charges/attempts-store.ts';
import { countCharges } from '../../src/charges/charge-lists-store.ts';
import { createCharge, previewCharge } from '../../src/charges/operations.ts';
import { pause } from '../../src/charges/pause.ts';
import { balances } from '../../src/ledger/balances.ts';
import { type ChargesBook, chargesBook } from '../support/charges-book.ts';

let at: ChargesBook;
beforeEach(async () => {
  at = await chargesBook();
});
afterEach(() => at.close());

test.each([
  // token, policy none, policy standard, decline code and class, executed at the bank
  ['tok_approved', 'captured', 'captured', null, null, 1],
  ['tok_insufficient_funds', 'exhausted', 'failed', 'insufficient_funds', 'soft', 0],
  ['tok_do_not_honor', 'exhausted', 'failed', 'do_not_honor', 'soft', 0],
  ['tok_expired_card', 'exhausted', 'failed', 'expired_card', 'update_method', 0],
  ['tok_authentication_required', 'exhausted', 'failed', 'authentication_required', 'authentication', 0],
  ['tok_lost_card', 'exhausted', 'exhausted', 'lost_card', 'hard', 0],
  ['tok_unauthorized', 'exhausted', 'pending', 'http_401', 'ours', 0],
  ['tok_requires_action', 'requires_action', 'requires_action', null, null, 0],
  ['tok_timeout_before', 'unknown', 'unknown', null, null, 0],
  ['tok_timeout_after_charging', 'unknown', 'unknown', null, null, 1],
  ['tok_reset', 'unknown', 'unknown', null, null, 1],
  ['tok_garbage', 'unknown', 'unknown', null, null, 1],
  ['tok_500_after_charging', 'unknown', 'unknown', null, null, 1],
  ['tok_wrong_amount', 'unknown', 'unknown', null, null, 1],
  ['tok_flaky:0', 'captured', 'captured', null, null, 1],
  ['tok_flaky:1', 'exhausted', 'failed', 'try_again_later', 'soft', 0],
  ['tok_slow:10ms', 'captured', 'captured', null, null, 1],
])('%s', async (token, none, standard, declineCode, declineClass, executed) => {
  for (const [policy, status] of [
    ['none', none],
    ['standard', standard],
  ] as const) {
    const { charge } = await at.create(token, { policy });
    expect(charge).toMatchObject({ status, declineCode, declineClass });
    expect(charge.capturedMinor).toBe(status === 'captured' ? 1250n : 0n);
    const isOpen = status === 'unknown' || status === 'requires_action';
    expect((await openAttemptsOf(at.book.reader, [charge.id])).has(charge.id)).toBe(isOpen);
    expect((await at.executed()).filter(({ chargeId }) => chargeId === charge.id)).toHaveLength(executed);
  }
});

test('a soft decline is tried again by the policy alone, and a change of method is waited for without a time', async () => {
  const soft = await at.create('tok_insufficient_funds', { policy: 'standard' });
  expect(soft.charge).toMatchObject({ status: 'failed', softDeclines: 1, retryRule: 'standard/soft#1' });
  expect(soft.charge.retryAt).toBeGreaterThan(at.clock.nowMs());
  const expired = await at.create('tok_expired_card', { policy: 'standard' });
  expect(expired.charge).toMatchObject({ status: 'failed', retryAt: null, retryRule: 'update_method' });
});

test('an approval posts once, and the ledger agrees with the bank', async () => {
  await at.create('tok_approved');
  await at.create('tok_approved', { intent: 'authorize' });
  await at.create('tok_insufficient_funds');
  expect(await balances(at.book.reader)).toMatchObject([
    { account: 'assets:gateway:simulated', currency: 'USD', balanceMinor: 1250n },
    { account: 'revenue:sales', currency: 'USD', balanceMinor: 1250n },
  ]);
  const sales = (await at.executed()).filter(({ operation }) => operation === 'sale');
  expect(sales.map(({ amountMinor }) => amountMinor)).toEqual([1250n]);
});

test('the same key with the same values sends nothing again, whatever became of the first time', async () => {
  for (const token of ['tok_approved', 'tok_insufficient_funds', 'tok_reset', 'tok_lost_card']) {
    const request = at.request(await at.method(token), { idempotencyKey: `key ${token}` });
    const first = await createCharge(at.pipeline, request);
    const attempts = await countAttempts(at.book.reader, {});
    const again = await createCharge(at.another(), request);
    expect(again).toEqual({ charge: first.charge, replayed: true });
    expect(await countAttempts(at.book.reader, {})).toBe(attempts);
  }
});

test.each([
  ['amount', { amountMinor: 1251n }],
  ['currency', { currency: 'EUR' }],
  ['intent', { intent: 'authorize' as const }],
  ['policy', { policy: 'standard' }],
  ['description', { description: 'other' }],
  ['metadata', { metadata: { order: '2' } }],
])('the same key with another %s is refused, nothing written', async (_, changes) => {
  const methodId = await at.method('tok_approved');
  const request = at.request(methodId, { idempotencyKey: 'k', metadata: { order: '1' } });
  await createCharge(at.pipeline, request);
  await expect(createCharge(at.pipeline, { ...request, ...changes })).rejects.toMatchObject({
    code: 'idempotency_conflict',
    message: expect.stringContaining('Nothing was sent or written.'),
  });
  expect(await countCharges(at.book.reader, {})).toBe(1);
  expect(await at.executed()).toHaveLength(1);
});

test('twenty at once under one key, from two processes, are one charge', async () => {
  const request = at.request(await at.method('tok_slow:10ms'), { idempotencyKey: 'once' });
  const other = at.another();
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, index) => createCharge(index % 2 === 0 ? at.pipeline : other, request)),
  );
  expect(new Set(results.map(({ charge }) => charge.id)).size).toBe(1);
  expect(results.filter(({ replayed }) => !replayed)).toHaveLength(1);
  expect(await at.executed()).toHaveLength(1);
});

test('a method that a hard decline has blocked is never sent again', async () => {
  const methodId = await at.method('tok_lost_card');
  await createCharge(at.pipeline, at.request(methodId));
  await expect(createCharge(at.pipeline, at.request(methodId))).rejects.toMatchObject({ code: 'method_blocked' });
  await expect(previewCharge(at.pipeline, at.request(methodId))).rejects.toMatchObject({ code: 'method_blocked' });
  expect(await countCharges(at.book.reader, {})).toBe(1);
});

test('a pause is seen before anything is written', async () => {
  const methodId = await at.method('tok_approved');
  await pause(at.pipeline.context, 'simulated', 'incident');
  for (const create of [createCharge, previewCharge]) {
    await expect(create(at.pipeline, at.request(methodId))).rejects.toMatchObject({ code: 'paused', exitCode: 8 });
  }
  expect(await countCharges(at.book.reader, {})).toBe(0);
});

test('a dry run writes and sends nothing', async () => {
  const { charge } = await previewCharge(at.pipeline, at.request(await at.method('tok_approved')));
  expect(charge).toMatchObject({ status: 'pending', amountMinor: 1250n });
  expect([await countCharges(at.book.reader, {}), await at.executed()]).toEqual([0, []]);
});

test('a dry run with a key that was used: the charge of the first time, or a refusal', async () => {
  const request = at.request(await at.method('tok_approved'), { idempotencyKey: 'once' });
  const { charge } = await createCharge(at.pipeline, request);
  expect(await previewCharge(at.pipeline, request)).toEqual({ charge, replayed: true });
  await expect(previewCharge(at.pipeline, { ...request, amountMinor: 1n })).rejects.toMatchObject({
    code: 'idempotency_conflict',
  });
});

test('a bank debit is captured once it has settled', async () => {
  const { charge } = await at.create('tok_settling');
  expect(charge.status).toBe('settling');
  expect(await at.executed()).toHaveLength(0);
});
