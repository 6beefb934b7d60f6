// What an operator does to a charge: capture, void, refund, cancel, replay, against the real simulated bank.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { attemptsOfCharges, openAttemptsOf } from '../../src/charges/attempts-store.ts';
import { cancelCharge } from '../../src/charges/cancel.ts';
import type { Charge } from '../../src/charges/charge.ts';
import { chargesById } from '../../src/charges/charges-store.ts';
import { captureCharge, refundCharge, replayCharges, voidCharge } from '../../src/charges/operations.ts';
import { pause } from '../../src/charges/pause.ts';
import { countRefunds } from '../../src/charges/refunds-store.ts';
import { balances } from '../../src/ledger/balances.ts';
import { type ChargesBook, chargesBook } from '../support/charges-book.ts';

let at: ChargesBook;
beforeEach(async () => {
  at = await chargesBook();
});
afterEach(() => at.close());

const refund = (charge: Charge, amountMinor: bigint | null, idempotencyKey: string | null = null) =>
  refundCharge(at.pipeline, charge.id, { amountMinor, reason: null, idempotencyKey });

async function read(id: string): Promise<Charge | undefined> {
  return (await chargesById(at.book.reader, [id])).get(id);
}

async function authorized(token = 'tok_approved'): Promise<Charge> {
  const { charge } = await at.create(token, { intent: 'authorize' });
  expect(charge).toMatchObject({ status: 'authorized', authorizedMinor: 1250n, capturedMinor: 0n });
  return charge;
}

async function ledgerOf(account: string): Promise<bigint | undefined> {
  return (await balances(at.book.reader)).find((balance) => balance.account === account)?.balanceMinor;
}

test.each([
  ['a part', 300n, 300n],
  ['all, without an amount', null, 1250n],
  ['all of it', 1250n, 1250n],
])('captures %s', async (_, asked, capturedMinor) => {
  const charge = await captureCharge(at.pipeline, (await authorized()).id, asked);
  expect(charge).toMatchObject({ status: 'captured', authorizedMinor: 1250n, capturedMinor });
  expect(await ledgerOf('assets:gateway:simulated')).toBe(capturedMinor);
});

test('captures no more than was authorized, and nothing twice', async () => {
  const { id } = await authorized();
  await expect(captureCharge(at.pipeline, id, 1251n)).rejects.toMatchObject({ code: 'amount_exceeds' });
  await captureCharge(at.pipeline, id, 300n);
  await expect(captureCharge(at.pipeline, id, 1n)).rejects.toMatchObject({ code: 'invalid_state' });
  expect((await at.executed()).map(({ operation }) => operation)).toEqual(['authorize', 'capture']);
});

test('voids an authorization, once, and nothing that was captured', async () => {
  const { id } = await authorized();
  expect(await voidCharge(at.pipeline, id)).toMatchObject({ status: 'voided', capturedMinor: 0n });
  await expect(voidCharge(at.pipeline, id)).rejects.toMatchObject({ code: 'invalid_state' });
  await expect(captureCharge(at.pipeline, id, null)).rejects.toMatchObject({ code: 'invalid_state' });
  const { charge } = await at.create('tok_approved');
  await expect(voidCharge(at.pipeline, charge.id)).rejects.toMatchObject({
    code: 'invalid_state',
    hint: expect.stringContaining('charges refund'),
  });
});

test('an operation whose answer is lost leaves the status and an open attempt, and nothing else may begin', async () => {
  const charge = (await at.create('tok_reset', { intent: 'authorize' })).charge;
  const opened = (await openAttemptsOf(at.book.reader, [charge.id])).get(charge.id);
  await at.pipeline.settle({
    attemptId: opened?.id ?? '',
    outcome: { kind: 'approved', reference: 'r', amountMinor: 1250n, providerCode: null },
    source: 'lookup',
  });
  const after = await captureCharge(at.pipeline, charge.id, null);
  expect(after).toMatchObject({ status: 'authorized', capturedMinor: 0n });
  expect((await openAttemptsOf(at.book.reader, [charge.id])).get(charge.id)?.outcome).toBe('unknown');
  await expect(voidCharge(at.pipeline, charge.id)).rejects.toMatchObject({ code: 'attempt_open' });
});

test('refunds parts up to all that was captured, and not a cent more', async () => {
  const { charge } = await at.create('tok_approved');
  expect(await refund(charge, 250n)).toMatchObject({
    charge: { status: 'captured', refundedMinor: 250n, refundReservedMinor: 0n },
    refund: { status: 'succeeded', amountMinor: 250n },
    replayed: false,
  });
  await expect(refund(charge, 1001n)).rejects.toMatchObject({ code: 'amount_exceeds' });
  expect((await refund(charge, null)).refund.amountMinor).toBe(1000n);
  await expect(refund(charge, null)).rejects.toMatchObject({ code: 'amount_exceeds' });
  await expect(refund(charge, 1n)).rejects.toMatchObject({ code: 'amount_exceeds' });
  expect(await countRefunds(at.book.reader, {})).toBe(2);
  expect(await ledgerOf('assets:gateway:simulated')).toBe(0n);
  expect(await ledgerOf('revenue:refunds')).toBe(1250n);
});

test('a part capture bounds what can be refunded', async () => {
  const { id } = await authorized();
  const charge = await captureCharge(at.pipeline, id, 300n);
  await expect(refund(charge, 301n)).rejects.toMatchObject({ code: 'amount_exceeds' });
  expect((await refund(charge, null)).charge.refundedMinor).toBe(300n);
});

test('ten refunds of 2.00 at once, of 12.50, never give back more than was captured', async () => {
  const { charge } = await at.create('tok_approved');
  const results = await Promise.allSettled(Array.from({ length: 10 }, () => refund(charge, 200n)));
  const given = results.filter(({ status }) => status === 'fulfilled').length;
  expect(given).toBeGreaterThan(0);
  const after = await read(charge.id);
  expect(after).toMatchObject({ refundedMinor: BigInt(given) * 200n, refundReservedMinor: 0n });
  const refunds = (await at.executed()).filter(({ operation }) => operation === 'refund');
  expect(refunds).toHaveLength(given);
});

test('a refund under the same key is made once; with another amount it is refused', async () => {
  const { charge } = await at.create('tok_approved');
  const first = await refund(charge, 200n, 'r1');
  expect(await refund(charge, 200n, 'r1')).toEqual({ ...first, replayed: true });
  await expect(refund(charge, 201n, 'r1')).rejects.toMatchObject({ code: 'idempotency_conflict' });
  expect((await at.executed()).filter(({ operation }) => operation === 'refund')).toHaveLength(1);
});

test('a refund whose answer is lost keeps its reservation until it is proved', async () => {
  const { charge } = await at.create('tok_reset');
  const sale = (await openAttemptsOf(at.book.reader, [charge.id])).get(charge.id);
  const approved = { kind: 'approved', reference: 'r', amountMinor: 1250n, providerCode: null } as const;
  await at.pipeline.settle({ attemptId: sale?.id ?? '', outcome: approved, source: 'lookup' });
  const lost = await refund(charge, 1000n);
  expect(lost).toMatchObject({
    charge: { refundReservedMinor: 1000n, refundedMinor: 0n },
    refund: { status: 'pending' },
  });
  const absent = {
    kind: 'rejected',
    reason: 'transport',
    providerCode: null,
    providerMessage: null,
    retryAfterMs: null,
  } as const;
  const { attemptId } = lost.refund;
  await at.pipeline.settle({ attemptId: attemptId ?? '', outcome: absent, source: 'lookup' });
  expect(await read(charge.id)).toMatchObject({ refundReservedMinor: 0n, refundedMinor: 0n });
  // It was given back after all.
  await at.pipeline.settle({
    attemptId: attemptId ?? '',
    outcome: { ...approved, amountMinor: 1000n },
    source: 'lookup',
  });
  expect(await read(charge.id)).toMatchObject({ refundReservedMinor: 0n, refundedMinor: 1000n });
  expect(await ledgerOf('revenue:refunds')).toBe(1000n);
});

test('cancel closes the payment at the bank first', async () => {
  const failed = await at.create('tok_insufficient_funds', { policy: 'standard' });
  expect(await cancelCharge(at.pipeline, failed.charge.id, 'withdrawn')).toMatchObject({
    status: 'cancelled',
    retryAt: null,
  });
  const waiting = await at.create('tok_requires_action');
  expect(await cancelCharge(at.pipeline, waiting.charge.id, null)).toMatchObject({ status: 'cancelled' });
  expect((await openAttemptsOf(at.book.reader, [waiting.charge.id])).size).toBe(0);
});

test.each([['tok_approved'], ['tok_garbage'], ['tok_lost_card']])('cancel refuses a charge of %s', async (token) => {
  const { charge } = await at.create(token);
  await expect(cancelCharge(at.pipeline, charge.id, null)).rejects.toMatchObject({ code: 'invalid_state' });
  expect((await read(charge.id))?.status).toBe(charge.status);
});

test('replay sends exhausted charges again, under a new key, and refuses the rest', async () => {
  const declined = (await at.create('tok_insufficient_funds')).charge;
  const blocked = (await at.create('tok_lost_card')).charge;
  const captured = (await at.create('tok_approved')).charge;
  const result = await replayCharges(at.pipeline, [declined.id, blocked.id, captured.id], 'asked to');
  expect(result.replayed).toMatchObject([{ id: declined.id, status: 'exhausted', attemptCount: 2 }]);
  expect(result.refused.map(({ id, code }) => [id, code])).toEqual([
    [blocked.id, 'method_blocked'],
    [captured.id, 'invalid_state'],
  ]);
  const attempts = (await attemptsOfCharges(at.book.reader, [declined.id])).get(declined.id) ?? [];
  expect(new Set(attempts.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(2);
});

test('a replay against a paused gateway leaves the charge exhausted', async () => {
  const { charge } = await at.create('tok_insufficient_funds');
  await pause(at.pipeline.context, 'simulated', 'incident');
  const { refused } = await replayCharges(at.pipeline, [charge.id], 'asked to');
  expect(refused).toMatchObject([{ id: charge.id, code: 'paused' }]);
  expect(await read(charge.id)).toEqual(charge);
});
