// Runs a book to its end and lets the bank judge: its own listing against the book, charge by charge.
import { setTimeout as delay } from 'node:timers/promises';
import knex from 'knex';
import { expect } from 'vitest';
import type { BillingBook } from './billing-book.ts';
import { runCli } from './cli.ts';

const RUNS_TO_THE_END = 12;

interface BankLine {
  chargeId: string;
  attemptId: string;
  operation: string;
  amountMinor: string;
  currency: string;
}

/** Rows of a database file, read beside whoever writes it. */
export async function rowsOf<T>(path: string, sql: string): Promise<T[]> {
  const db = knex({ client: 'sqlite3', connection: { filename: path }, useNullAsDefault: true });
  try {
    return (await db.raw(sql)) as T[];
  } finally {
    await db.destroy();
  }
}

/** Runs until nothing is left that a run could do something about. */
export async function runToTheEnd(book: BillingBook): Promise<void> {
  for (let round = 1; round <= RUNS_TO_THE_END; round += 1) {
    const result = await runCli(['billing', 'run', '--as-of', book.asOf, '--json'], { cwd: book.folder });
    expect([0, 4], result.stderr + result.stdout).toContain(result.code);
    const [left] = await rowsOf<{ n: number }>(
      book.path,
      `SELECT (SELECT COUNT(*) FROM charges WHERE status IN ('pending', 'processing', 'unknown', 'settling')
                 OR (status = 'failed' AND retry_at IS NOT NULL)) AS n`,
    );
    if (left?.n === 0) return;
    // What settles does so after a second at the bank.
    await delay(1_100);
  }
  throw new Error(`not at an end after ${RUNS_TO_THE_END} runs`);
}

/** At most one capture per charge, equal to the book's; one charge per due period; every attempt with its outcome. */
export async function assertExactlyOnce(book: BillingBook): Promise<void> {
  const listing = await runCli(['bank', 'charges', '--json'], { cwd: book.folder });
  expect(listing.code, listing.stderr).toBe(0);
  const captures = (JSON.parse(listing.stdout) as { charges: BankLine[] }).charges.filter(
    ({ operation }) => operation === 'sale',
  );
  const byCharge = new Map(captures.map((line) => [line.chargeId, line]));
  expect(byCharge.size, 'no charge is captured twice').toBe(captures.length);
  const captured = await rowsOf<{ id: string; captured_minor: number; currency: string }>(
    book.path,
    'SELECT id, captured_minor, currency FROM charges WHERE captured_minor > 0',
  );
  expect(captured.map(({ id }) => id).sort()).toEqual([...byCharge.keys()].sort());
  for (const charge of captured) {
    expect(byCharge.get(charge.id)).toMatchObject({
      amountMinor: String(charge.captured_minor),
      currency: charge.currency,
    });
  }
  const refusals = await rowsOf(book.bankPath, 'SELECT * FROM refusals');
  expect(refusals, 'the bank never had to refuse a second capture').toEqual([]);
  const [periods] = await rowsOf<{ charges: number; periods: number }>(
    book.path,
    `SELECT COUNT(*) AS charges, COUNT(DISTINCT schedule_id || ' ' || period) AS periods FROM charges`,
  );
  expect(periods).toEqual({ charges: book.periods, periods: book.periods });
  const open = await rowsOf(
    book.path,
    `SELECT id, outcome FROM attempts WHERE outcome IS NULL OR outcome IN ('unknown', 'settling', 'duplicate')`,
  );
  expect(open, 'every attempt has its outcome').toEqual([]);
  for (const check of [
    ['ledger', 'check'],
    ['audit', 'verify'],
  ]) {
    const result = await runCli([...check, '--json'], { cwd: book.folder });
    expect(result.code, `${check.join(' ')}: ${result.stdout}${result.stderr}`).toBe(0);
  }
}
