// Sums above 2^63, which the database's own SUM refuses: 10,000 amounts of the largest size.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dueTotals, insertCharges } from '../../src/charges/charges-store.ts';
import { newCharge } from '../../src/charges/new-charge.ts';
import { newId } from '../../src/ids.ts';
import { balances, closeMonth } from '../../src/ledger/balances.ts';
import { entryFor } from '../../src/ledger/ledger.ts';
import { insertEntries } from '../../src/ledger/ledger-store.ts';
import { MAX_MINOR } from '../../src/money/money.ts';
import { writeTrx } from '../../src/storage/trx.ts';
import { type ChargesBook, chargesBook } from '../support/charges-book.ts';

const MANY = 10_000;
const TOTAL = BigInt(MANY) * MAX_MINOR;
const indices = Array.from({ length: MANY }, (_, index) => index);

let at: ChargesBook;
beforeEach(async () => {
  at = await chargesBook();
});
afterEach(() => at.close());

test('what is due', async () => {
  const nowMs = at.clock.nowMs();
  const facts = {
    ...at.request(await at.method('tok_approved'), { amountMinor: MAX_MINOR }),
    scheduleId: null,
    period: null,
    timezone: null,
    dueAt: nowMs,
  };
  const charges = indices.map((index) => newCharge({ ...facts, id: `ch_${index}` }, nowMs));
  await writeTrx(at.book, (trx) => insertCharges(trx, charges));
  expect(await dueTotals(at.book.reader, ['pending', 'retry'], nowMs)).toEqual([
    { currency: 'USD', count: MANY, amountMinor: TOTAL },
  ]);
});

test('balances, with months closed and open', async () => {
  const openMs = at.clock.nowMs();
  const closedMs = openMs - 30 * 86_400_000;
  const post = (postedAt: number, gateways: readonly string[]) => {
    const entries = indices.map((index) => {
      const attemptId = newId('attempt', postedAt);
      const gateway = gateways[index % gateways.length] ?? '';
      return entryFor({
        kind: 'captured',
        chargeId: 'ch_1',
        attemptId,
        gateway,
        amountMinor: MAX_MINOR,
        currency: 'USD',
        postedAt,
      });
    });
    return writeTrx(at.book, (trx) => insertEntries(trx, entries));
  };
  const held = async () =>
    new Map((await balances(at.book.reader)).map(({ account, balanceMinor }) => [account, balanceMinor]));
  await post(closedMs, ['one']);
  expect(await held()).toEqual(
    new Map([
      ['assets:gateway:one', TOTAL],
      ['revenue:sales', TOTAL],
    ]),
  );
  await writeTrx(at.book, (trx) => closeMonth(trx, 202512, openMs));
  await post(openMs, ['one', 'two']);
  expect(await held()).toEqual(
    new Map([
      ['assets:gateway:one', TOTAL + TOTAL / 2n],
      ['assets:gateway:two', TOTAL / 2n],
      ['revenue:sales', TOTAL * 2n],
    ]),
  );
});
