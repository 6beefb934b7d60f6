// Charges through the whole pipeline, both durable commits, with what comes of them: postings, events, audit rows, the
// retry of every tenth. The floor writes the very same final rows into a book of its own with the bare driver: one `exec`
// of literals per 1,000 charges, one durable commit each. The bank is in memory.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sqlite3 from 'sqlite3';
import { collectDue } from '../src/charges/collect-due.ts';
import { newId } from '../src/ids.ts';
import { select } from '../src/storage/batch.ts';
import { createBook } from '../src/storage/open.ts';
import { type BulkBook, bulkBook, chargeMany } from './bulk-book.ts';
import { alternate, report } from './rounds.ts';

const CHARGES = Number(process.env.BENCH_CHARGES ?? 20_000);
const ROUNDS = 5;
const BATCH = 1_000;

export async function bench(): Promise<boolean> {
  const sample = await bulkBook();
  await chargeAll(sample, CHARGES);
  const rows = await finalRows(sample);
  await sample.close();
  const folder = mkdtempSync(join(tmpdir(), 'bursar-bench-'));
  let made = 0;
  let target: sqlite3.Database | null = null;
  let bulk: BulkBook | null = null;
  try {
    const timed = await alternate(
      [
        {
          name: 'the same rows, bare driver',
          prepare: async () => {
            await bulk?.close();
            bulk = null;
            made += 1;
            target = await emptyBook(join(folder, `floor-${made}.db`), rows.before);
          },
          run: async () => {
            if (target === null) throw new Error('no book');
            for (const batch of rows.batches) await exec(target, literals(batch));
          },
        },
        {
          name: `${CHARGES} charges, the pipeline`,
          prepare: async () => {
            await new Promise((resolve) => target?.close(resolve));
            bulk = await bulkBook();
          },
          run: () => chargeAll(bulk as BulkBook, CHARGES),
          goal: { atLeast: 0.7 },
        },
      ],
      ROUNDS,
    );
    return report(timed, CHARGES);
  } finally {
    await (bulk as BulkBook | null)?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Creates and collects so many charges, 2,000 at a time, so that one batch can be opened while another is settled, then
 * retries what was declined.
 */
async function chargeAll(bulk: BulkBook, count: number): Promise<void> {
  const { pipeline } = bulk;
  const { clock } = pipeline.context;
  await chargeMany(bulk, count, 2 * BATCH);
  await collectDue(pipeline, {
    kind: 'retry',
    asOfMs: clock.nowMs() + 30 * 24 * 3_600_000,
    runId: newId('run', clock.nowMs()),
    concurrency: BATCH,
    stopped: () => false,
    onOpened: () => undefined,
    onCollected: () => undefined,
    onBlocked: () => undefined,
    onRefused: (error) => {
      throw error;
    },
  });
}

type Row = Record<string, string | number | null>;
interface TableRows {
  table: string;
  rows: Row[];
}

/** In the order in which foreign keys want them, each with the charge that a row is of. */
const TABLES = [
  ['charges', 'id'],
  ['attempts', 'charge_id'],
  ['journal_entries', 'charge_id'],
  ['postings', '(SELECT charge_id FROM journal_entries WHERE id = entry_id)'],
  ['audit_rows', 'charge_id'],
  ['events', 'aggregateid'],
] as const;

/** What the pipeline has left in the book, in batches of 1,000 charges with all that belongs to them. */
async function finalRows({ book }: BulkBook): Promise<{ before: TableRows[]; batches: TableRows[][] }> {
  const all = (table: string): Promise<Row[]> => select<Row>(book.reader, `SELECT * FROM ${table}`);
  const before: TableRows[] = [];
  for (const table of ['customers', 'customer_keys', 'payment_methods', 'accounts']) {
    before.push({ table, rows: await all(table) });
  }
  const places = new Map((await all('charges')).map(({ id }, place) => [id, place]));
  const batches = Array.from({ length: Math.ceil(places.size / BATCH) }, (): TableRows[] =>
    TABLES.map(([table]) => ({ table, rows: [] })),
  );
  for (const [index, [table, charge]] of TABLES.entries()) {
    for (const { of_charge: id, ...row } of await select<Row>(
      book.reader,
      `SELECT *, ${charge} AS of_charge FROM ${table}`,
    )) {
      batches[Math.floor((places.get(id ?? null) ?? 0) / BATCH)]?.[index]?.rows.push(row);
    }
  }
  return { before, batches };
}

function literals(batch: readonly TableRows[]): string {
  const inserts = batch.map(({ table, rows }) => {
    const columns = Object.keys(rows[0] as Row);
    const values = rows.map((row) => `(${columns.map((column) => literal(row[column] ?? null)).join(',')})`);
    return `INSERT INTO ${table} (${columns.join(',')}) VALUES ${values.join(',')};`;
  });
  return `BEGIN IMMEDIATE;${inserts.join('')}COMMIT;`;
}

function literal(value: string | number | null): string {
  if (value === null) return 'NULL';
  return typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`;
}

async function emptyBook(path: string, before: readonly TableRows[]): Promise<sqlite3.Database> {
  await createBook(path, 'test', Date.now());
  const db = new sqlite3.Database(path);
  await once(db, 'open');
  await exec(db, 'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;');
  await exec(db, 'PRAGMA recursive_triggers = ON; PRAGMA wal_autocheckpoint = 20000;');
  await exec(db, literals(before));
  return db;
}

function exec(db: sqlite3.Database, sql: string): Promise<void> {
  return new Promise((resolve, reject) => {
    db.exec(sql, (error) => (error === null ? resolve() : reject(error)));
  });
}
