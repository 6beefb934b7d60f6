// One payment that two attempts of a charge are told of: it is booked once, and nothing is proposed to be given back.
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Attempt } from '../../src/charges/attempt.ts';
import { attemptsOfCharges, unreturnedDuplicates } from '../../src/charges/attempts-store.ts';
import type { Charge } from '../../src/charges/charge.ts';
import { chargesById } from '../../src/charges/charges-store.ts';
import { replayCharges } from '../../src/charges/operations.ts';
import { resolveOpenAttempts } from '../../src/charges/recovery.ts';
import { resolveAttempt } from '../../src/charges/resolve.ts';
import { syncCharges } from '../../src/charges/sync.ts';
import { checkLedger } from '../../src/inspection/ledger-check.ts';
import { balances } from '../../src/ledger/balances.ts';
import { reconcile } from '../../src/reconciliation/reconcile-run.ts';
import { readTrx } from '../../src/storage/trx.ts';
import { type ChargesBook, chargesBook } from '../support/charges-book.ts';

let at: ChargesBook;
beforeEach(async () => {
  at = await chargesBook();
});
afterEach(() => at.close());

async function attemptsOf(chargeId: string): Promise<Attempt[]> {
  return (await attemptsOfCharges(at.book.reader, [chargeId])).get(chargeId) ?? [];
}

/** Executed and answered with a reset; an operator is wrong about it and has the charge sent again. */
async function sentAgainByMistake(): Promise<Charge> {
  const { charge } = await at.create('tok_reset');
  const [first] = await attemptsOf(charge.id);
  if (first === undefined) throw new Error('no attempt');
  const word = { reason: 'not in the dashboard', reference: null, force: true, dryRun: false };
  await resolveAttempt(at.pipeline, { attemptId: first.id, as: 'not-executed', ...word });
  await replayCharges(at.pipeline, [charge.id], 'again');
  expect((await attemptsOf(charge.id)).map(({ outcome }) => outcome)).toEqual(['rejected', 'unknown']);
  return charge;
}

async function assertPaidOnce({ id }: Charge): Promise<void> {
  expect(await at.executed()).toHaveLength(1);
  expect((await chargesById(at.book.reader, [id])).get(id)).toMatchObject({ status: 'captured', capturedMinor: 1250n });
  expect(await unreturnedDuplicates(at.book.reader, 10)).toEqual([]);
  const posted = Object.fromEntries((await balances(at.book.reader)).map((each) => [each.account, each.balanceMinor]));
  expect(posted).toEqual({ 'assets:gateway:simulated': 1250n, 'revenue:sales': 1250n });
  const check = await readTrx(at.book, (trx) => checkLedger(trx, { deep: false }));
  expect(check.findings).toEqual([]);
}

test('closing the object tells the second attempt of it, then the first is asked about', async () => {
  const charge = await sentAgainByMistake();
  await resolveOpenAttempts(at.pipeline);
  expect((await attemptsOf(charge.id)).map(({ outcome }) => outcome)).toEqual(['rejected', 'approved']);
  await syncCharges(at.pipeline, [charge.id]);
  await assertPaidOnce(charge);
  await reconcile(at.pipeline.context, { gateways: null, sinceMs: null, dryRun: false });
  await assertPaidOnce(charge);
});

test('the first is asked about, then closing the object tells the second', async () => {
  const charge = await sentAgainByMistake();
  await syncCharges(at.pipeline, [charge.id]);
  await resolveOpenAttempts(at.pipeline);
  expect((await attemptsOf(charge.id)).map(({ outcome }) => outcome)).toEqual(['approved', 'rejected']);
  await assertPaidOnce(charge);
});
