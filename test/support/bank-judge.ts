// Runs a book to its end and lets the bank judge: what the bank executed against what the book says, operation by
// operation and amount by amount.
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import type { BillingBook } from './billing-book.ts';
import { runCli } from './cli.ts';
import { rowsOf } from './rows.ts';

const RUNS_TO_THE_END = 12;

/** A book and its bank, in a folder of their own. */
export type JudgedBook = Pick<BillingBook, 'folder' | 'path' | 'bankPath' | 'asOf'>;

/** Runs until nothing is left that a run could do something about. Gives the number of runs. */
export async function runToTheEnd(book: JudgedBook): Promise<number> {
  for (let round = 1; round <= RUNS_TO_THE_END; round += 1) {
    const result = await runCli(['billing', 'run', '--as-of', book.asOf, '--json'], { cwd: book.folder });
    expect([0, 4], result.stderr + result.stdout).toContain(result.code);
    const [left] = await rowsOf<{ n: number }>(
      book.path,
      `SELECT (SELECT COUNT(*) FROM charges WHERE status IN ('pending', 'processing', 'unknown', 'settling')
                 OR (status = 'failed' AND retry_at IS NOT NULL))
            + (SELECT COUNT(*) FROM attempts WHERE outcome IS NULL OR outcome IN ('unknown', 'settling')) AS n`,
    );
    if (left?.n === 0) return round;
    // What settles does so after a second at the bank.
    await delay(1_100);
  }
  throw new Error(`not at an end after ${RUNS_TO_THE_END} runs`);
}

/** The cheap half, good at any moment: no charge was captured twice, and the bank never had to refuse a second one. */
export async function assertNoDoubles(book: JudgedBook): Promise<void> {
  expect(await doubles(book), 'no charge is captured twice').toEqual([]);
  const refusals = await rowsOf(book.bankPath, 'SELECT * FROM refusals');
  expect(refusals, 'the bank never had to refuse a second capture').toEqual([]);
}

/** Charges that the bank captured, or authorized, more than once. */
export function doubles(book: JudgedBook): Promise<{ charge_id: string; captures: number }[]> {
  return rowsOf(
    book.bankPath,
    `SELECT charge_id, SUM(operation <> 'authorize') AS captures FROM executed
      WHERE operation IN ('sale', 'authorize', 'capture')
      GROUP BY charge_id HAVING captures > 1 OR SUM(operation <> 'capture') > 1`,
  );
}

interface Moved {
  attempt: string;
  charge: string;
  operation: string;
  amount: number;
  currency: string;
  key: string;
}

/** What the bank executed and the book does not know of, and the other way round. */
export async function differences(book: JudgedBook): Promise<{ onlyAtTheBank: Moved[]; onlyInTheBook: Moved[] }> {
  const bank = await rowsOf<Moved>(
    book.bankPath,
    `SELECT attempt_id AS attempt, charge_id AS charge, operation, amount_minor AS amount, currency,
            idempotency_key AS "key" FROM executed`,
  );
  const own = await rowsOf<Moved>(
    book.path,
    `SELECT id AS attempt, charge_id AS charge, operation, amount_minor AS amount, currency,
            idempotency_key AS "key" FROM attempts WHERE outcome IN ('approved', 'duplicate')`,
  );
  const text = (row: Moved): string => JSON.stringify(Object.entries(row).sort());
  const without = (rows: Moved[], others: Moved[]): Moved[] => {
    const left = new Map<string, number>();
    for (const row of others) left.set(text(row), (left.get(text(row)) ?? 0) + 1);
    return rows.filter((row) => {
      const count = left.get(text(row)) ?? 0;
      left.set(text(row), count - 1);
      return count <= 0;
    });
  };
  return { onlyAtTheBank: without(bank, own), onlyInTheBook: without(own, bank) };
}

/**
 * The book and the bank agree on every operation, the sums on the charges follow from them, no attempt is left that the
 * bank could say something about, and the ledger and the audit log are whole.
 */
export async function assertBookEqualsBank(book: JudgedBook): Promise<void> {
  await assertNoDoubles(book);
  expect(await differences(book)).toEqual({ onlyAtTheBank: [], onlyInTheBook: [] });
  const atBank = await rowsOf(
    book.bankPath,
    `SELECT * FROM (
       SELECT charge_id AS id, SUM(CASE WHEN operation IN ('sale', 'capture') THEN amount_minor ELSE 0 END) AS captured,
              SUM(CASE WHEN operation = 'refund' THEN amount_minor ELSE 0 END) AS refunded,
              MAX(operation = 'void') AS voided
         FROM executed GROUP BY charge_id) ORDER BY id`,
  );
  const inBook = await rowsOf(
    book.path,
    `SELECT id, captured_minor AS captured, refunded_minor AS refunded, status = 'voided' AS voided FROM charges
      WHERE authorized_minor > 0 OR captured_minor > 0 ORDER BY id`,
  );
  expect(inBook).toEqual(atBank);
  const open = await rowsOf(
    book.path,
    `SELECT id, outcome FROM attempts WHERE outcome IS NULL OR outcome IN ('unknown', 'settling', 'duplicate')`,
  );
  expect(open, 'every attempt has its outcome').toEqual([]);
  const reserved = await rowsOf(book.path, 'SELECT id FROM charges WHERE refund_reserved_minor <> 0');
  expect(reserved, 'nothing is held back for a refund').toEqual([]);
  for (const check of [
    ['ledger', 'check'],
    ['audit', 'verify'],
  ]) {
    const result = await runCli([...check, '--json'], { cwd: book.folder });
    expect(result.code, `${check.join(' ')}: ${result.stdout}${result.stderr}`).toBe(0);
  }
}

/** The bank agrees, its own listing tells so, and every due period has exactly one charge. */
export async function assertExactlyOnce(book: JudgedBook & Pick<BillingBook, 'periods'>): Promise<void> {
  await assertBookEqualsBank(book);
  await assertOneChargeAPeriod(book);
  const listing = await runCli(['bank', 'charges', '--json'], { cwd: book.folder });
  expect(listing.code, listing.stderr).toBe(0);
  const sales = (JSON.parse(listing.stdout) as { charges: { chargeId: string; operation: string }[] }).charges.filter(
    ({ operation }) => operation === 'sale',
  );
  const captured = await rowsOf<{ id: string }>(
    book.path,
    `SELECT id FROM charges WHERE captured_minor > 0 AND intent = 'sale'`,
  );
  expect(captured.map(({ id }) => id).sort()).toEqual(sales.map(({ chargeId }) => chargeId).sort());
}

export async function assertOneChargeAPeriod(book: JudgedBook & Pick<BillingBook, 'periods'>): Promise<void> {
  const [periods] = await rowsOf<{ charges: number; periods: number }>(
    book.path,
    `SELECT COUNT(*) AS charges, COUNT(DISTINCT schedule_id || ' ' || period) AS periods
       FROM charges WHERE schedule_id IS NOT NULL`,
  );
  expect(periods).toEqual({ charges: book.periods, periods: book.periods });
}
