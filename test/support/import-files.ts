// Files to import, made by the row, and what stands in a book after an import.
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openSqlite } from '../../src/storage/dialect.ts';
import { type CliResult, runCli } from './cli.ts';
import { rowsOf } from './rows.ts';

export const SCHEDULE_HEADING = [
  'reference',
  'paid_through',
  'customer_reference',
  'name',
  'email',
  'token',
  'amount',
  'currency',
  'every',
  'start',
  'description',
  'metadata.plan',
] as const;

export const CHARGE_HEADING = ['reference', 'customer_reference', 'name', 'token', 'amount', 'currency'] as const;

export type Cells = Record<string, string>;

/** A row that goes in: two rows share a customer. */
export function scheduleRow(index: number, changes: Cells = {}): Cells {
  return {
    reference: `sub-${String(index).padStart(7, '0')}`,
    paid_through: '2026-10-31',
    customer_reference: `c-${String(index >> 1).padStart(7, '0')}`,
    name: `Customer ${index >> 1}`,
    email: `c${index >> 1}@example.com`,
    token: 'tok_approved',
    amount: `${5 + (index % 100)}.00`,
    currency: 'USD',
    every: '1 month',
    start: `2025-01-${String(1 + (index % 31)).padStart(2, '0')}`,
    description: 'Subscription',
    'metadata.plan': 'gold',
    ...changes,
  };
}

export function chargeRow(index: number, changes: Cells = {}): Cells {
  return {
    reference: `invoice-${index}`,
    customer_reference: `c-${index}`,
    name: `Customer ${index}`,
    token: 'tok_approved',
    amount: '12.50',
    currency: 'USD',
    ...changes,
  };
}

export function csvOf(heading: readonly string[], rows: readonly Cells[]): string {
  const cell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return `${[heading, ...rows.map((row) => heading.map((name) => cell(row[name] ?? '')))].map((row) => row.join(',')).join('\n')}\n`;
}

/** `count` rows, of which `bad` (by index) have an amount of three decimals. Written as a stream, whatever the count. */
export async function writeSchedules(path: string, count: number, bad: readonly number[] = []): Promise<void> {
  const file = createWriteStream(path);
  file.write(`${SCHEDULE_HEADING.join(',')}\n`);
  for (let from = 0; from < count; from += 5000) {
    const rows = Array.from({ length: Math.min(5000, count - from) }, (_, offset) => {
      const index = from + offset;
      return scheduleRow(index, bad.includes(index) ? { amount: '12.505' } : {});
    });
    const text = csvOf(SCHEDULE_HEADING, rows);
    if (!file.write(text.slice(text.indexOf('\n') + 1))) await once(file, 'drain');
  }
  await new Promise<void>((resolve) => file.end(() => resolve()));
}

export interface ImportBook {
  folder: string;
  path: string;
  run(args: readonly string[], env?: Record<string, string>): Promise<CliResult>;
  /** Writes a file of these rows and imports it. */
  schedules(name: string, rows: readonly Cells[], ...flags: string[]): Promise<CliResult>;
  charges(name: string, rows: readonly Cells[], ...flags: string[]): Promise<CliResult>;
  /** How many rows a table has. */
  count(table: string): Promise<number>;
  /** Every row of every table, as text: equal before and after what changes nothing. */
  everything(): Promise<string>;
}

/** A test book in `folder`, its clock free. */
export async function importBook(folder: string): Promise<ImportBook> {
  const path = join(folder, 'book.db');
  const run: ImportBook['run'] = (args, env = {}) => runCli(args, { cwd: folder, env });
  const made = await run(['init', '--book', './book.db', '--mode', 'test']);
  if (made.code !== 0) throw new Error(made.stderr);
  const importing = async (
    noun: string,
    heading: readonly string[],
    name: string,
    rows: readonly Cells[],
    flags: readonly string[],
  ): Promise<CliResult> => {
    await writeFile(join(folder, name), csvOf(heading, rows));
    return run([noun, 'import', name, ...flags]);
  };
  return {
    folder,
    path,
    run,
    schedules: (name, rows, ...flags) => importing('schedules', headingOf(SCHEDULE_HEADING, rows), name, rows, flags),
    charges: (name, rows, ...flags) => importing('charges', headingOf(CHARGE_HEADING, rows), name, rows, flags),
    count: async (table) => (await rowsOf<{ n: number }>(path, `SELECT COUNT(*) AS n FROM ${table}`))[0]?.n ?? 0,
    everything: () => everything(path),
  };
}

function headingOf(base: readonly string[], rows: readonly Cells[]): string[] {
  return [...new Set([...base, ...rows.flatMap((row) => Object.keys(row))])];
}

/** Every row of every table of a book, but for who is working on it at the moment. */
export async function everything(path: string): Promise<string> {
  const db = openSqlite(path, 'read');
  try {
    const tables: { name: string }[] = await db.raw(
      `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT IN ('owners', 'leases') ORDER BY name`,
    );
    const rows: string[] = [];
    for (const { name } of tables) rows.push(name, JSON.stringify(await db.raw(`SELECT * FROM ${name}`)));
    return rows.join('\n');
  } finally {
    await db.destroy();
  }
}
