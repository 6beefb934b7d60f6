// A book with one customer and one good card, made once and copied for each test of a single charge.
import { existsSync } from 'node:fs';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { checkLedger } from '../../src/inspection/ledger-check.ts';
import { openBook } from '../../src/storage/open.ts';
import { readTrx } from '../../src/storage/trx.ts';
import { makeBillingBook } from './billing-book.ts';
import { rowsOf } from './rows.ts';

export interface SingleChargeBook {
  folder: string;
  path: string;
  /** `charges create …` of 7.77 USD, with --json. */
  create: string[];
}

export async function makeSingleChargeBook(folder: string): Promise<SingleChargeBook> {
  const { path } = await makeBillingBook(folder, 0, { tokens: ['tok_approved'] });
  // However slowly the bank gets its turn: what is tested here is the disk.
  const gateways = { simulated: { type: 'simulated', timeoutMs: 60_000 } };
  const config = { books: { main: { url: './book.db' } }, gateways, timezone: 'UTC' };
  await writeFile(join(folder, 'bursar.config.json'), JSON.stringify(config), { mode: 0o600 });
  const [customer] = await rowsOf<{ id: string }>(path, 'SELECT id FROM customers');
  if (customer === undefined) throw new Error('no customer');
  return {
    folder,
    path,
    create: ['charges', 'create', '--customer', customer.id, '--amount', '7.77', '--currency', 'USD', '--json'],
  };
}

export async function copyOf(book: SingleChargeBook, folder: string): Promise<SingleChargeBook> {
  await cp(book.folder, folder, { recursive: true });
  return { ...book, folder, path: join(folder, 'book.db') };
}

export interface Judgement {
  /** Statuses of the book's charges. */
  statuses: string[];
  /** How many captures the bank executed. */
  captures: number;
}

/** What the book and the bank hold; the checks of both must pass. In this process: a start of the CLI takes a while. */
export async function judge({ path, folder }: { path: string; folder: string }): Promise<Judgement> {
  const book = await openBook(path);
  try {
    const { findings } = await readTrx(book, (trx) => checkLedger(trx, { deep: true }));
    expect(findings, 'ledger check and audit verify').toEqual([]);
  } finally {
    await book.close();
  }
  const charges = await rowsOf<{ id: string; status: string; captured_minor: number }>(
    path,
    'SELECT id, status, captured_minor FROM charges ORDER BY id',
  );
  const bankPath = join(folder, 'book.bank.db');
  const sales = existsSync(bankPath)
    ? await rowsOf<{ id: string; amount: number }>(
        bankPath,
        `SELECT charge_id AS id, amount_minor AS amount FROM executed WHERE operation = 'sale' ORDER BY charge_id`,
      )
    : [];
  const captured = charges.filter((charge) => charge.captured_minor > 0);
  expect(sales, "the bank's captures are the book's").toEqual(
    captured.map((charge) => ({ id: charge.id, amount: charge.captured_minor })),
  );
  return { statuses: charges.map(({ status }) => status), captures: sales.length };
}
