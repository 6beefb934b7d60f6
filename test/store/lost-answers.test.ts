// Every way in which an answer can break, for every operation, at the real simulated bank: unknown first, then found out
// by a lookup, with one execution at the bank whatever happened.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { attemptsOfCharges } from '../../src/charges/attempts-store.ts';
import type { Charge } from '../../src/charges/charge.ts';
import { chargesById } from '../../src/charges/charges-store.ts';
import { captureCharge, refundCharge, voidCharge } from '../../src/charges/operations.ts';
import { resolveOpenAttempts } from '../../src/charges/recovery.ts';
import type { Operation } from '../../src/gateways/gateway.ts';
import { checkLedger } from '../../src/inspection/ledger-check.ts';
import { type ChargesBook, chargesBook } from '../support/charges-book.ts';

let at: ChargesBook;
beforeEach(async () => {
  at = await chargesBook();
});
afterEach(() => at.close());

const FAULTS = [
  'tok_timeout_after_charging',
  'tok_reset',
  'tok_500_after_charging',
  'tok_garbage',
  'tok_wrong_amount',
] as const;

const STATUS: Record<Operation, Charge['status']> = {
  sale: 'captured',
  authorize: 'authorized',
  capture: 'captured',
  void: 'voided',
  refund: 'captured',
};

const CASES = FAULTS.flatMap((token) => (Object.keys(STATUS) as Operation[]).map((operation) => [token, operation]));

test.each(CASES as [string, Operation][])('%s: a lost answer to a %s', async (token, operation) => {
  const follows = operation === 'capture' || operation === 'void' || operation === 'refund';
  const first = operation === 'sale' || operation === 'refund' ? 'sale' : 'authorize';
  const { charge } = await at.create(token, { intent: first });
  // Taken over by other processes each time, as the next runs would.
  if (follows) {
    await resolveOpenAttempts(at.another());
    if (operation === 'capture') await captureCharge(at.pipeline, charge.id, null);
    if (operation === 'void') await voidCharge(at.pipeline, charge.id);
    if (operation === 'refund')
      await refundCharge(at.pipeline, charge.id, { amountMinor: null, reason: null, idempotencyKey: null });
  }
  const read = async (): Promise<Charge | undefined> => (await chargesById(at.book.reader, [charge.id])).get(charge.id);
  const attempts = async () => (await attemptsOfCharges(at.book.reader, [charge.id])).get(charge.id) ?? [];
  expect((await attempts()).at(-1)).toMatchObject({ operation, outcome: 'unknown', sends: 1 });
  expect((await read())?.status).toBe(follows ? STATUS[first] : 'unknown');
  expect(await resolveOpenAttempts(at.another())).toMatchObject({ resolved: 1, open: 0 });
  expect((await attempts()).at(-1)).toMatchObject({ operation, outcome: 'approved', sends: 1, proofResult: 'found' });
  expect(await read()).toMatchObject({
    status: STATUS[operation],
    refundedMinor: operation === 'refund' ? 1250n : 0n,
    refundReservedMinor: 0n,
  });
  const executed = (await at.executed()).map((line) => line.operation);
  expect(executed).toEqual(follows ? [first, operation] : [operation]);
  expect((await checkLedger(at.book.reader, { deep: false })).findings).toEqual([]);
});
