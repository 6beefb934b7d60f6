// A book of any size in minutes, made set-based in SQL on the real schema with its constraints and triggers on; what it
// holds looks as if it had grown over 24 months. `npx tsx bench/big-book.ts PATH CHARGES [--hashes]` makes one by hand.
import { pathToFileURL } from 'node:url';
import type { Knex } from 'knex';
import { openSqlite } from '../src/storage/dialect.ts';
import { createBook } from '../src/storage/open.ts';
import { insertAudit, type Sealer } from './big-book-audit.ts';
import { CHARGE_ROWS, CHUNK, PEOPLE, PEOPLE_ROWS, SPAN_MS, STAGED } from './big-book-sql.ts';

export interface BigBookOptions {
  /** How many charges; about 1.2 attempts and 3.4 audit rows each. */
  charges?: number;
  /** Instead: a book of just so many audit rows in their seals, and nothing that they tell of. */
  auditRows?: number;
  /** Whether audit rows and seals have their right hashes, so that `audit verify` passes; else they are made up. */
  hashes: boolean;
  /** The end of the 24 months, epoch milliseconds; what is still to be done falls due from a day later on. */
  endMs?: number;
}

/** Charges in one transaction: some 15 days of a book of 5 M. */
const CHUNK_CHARGES = 100_000;

const PRAGMAS = [
  'journal_mode = OFF',
  'synchronous = OFF',
  'locking_mode = EXCLUSIVE',
  'foreign_keys = ON',
  'recursive_triggers = ON',
  'temp_store = MEMORY',
  // 2 GB: every index that is written to stays in memory.
  'cache_size = -2000000',
];

/** Makes a new book at `path` that holds so much. */
export async function buildBigBook(path: string, options: BigBookOptions): Promise<void> {
  const { hashes, auditRows, endMs = Date.now() } = options;
  const charges = options.charges ?? Math.ceil((auditRows ?? 0) / 3);
  const startMs = endMs - SPAN_MS;
  await createBook(path, 'test', startMs);
  const db = openSqlite(path, 'plain');
  try {
    for (const pragma of PRAGMAS) await db.raw(`PRAGMA ${pragma}`);
    const numbers = {
      charges,
      people: Math.max(1, Math.floor(charges / 50)),
      plans: Math.max(1, Math.floor(charges / 48)),
      start: startMs,
      end: endMs,
      // A day is left at the end, for the retries and refunds of the last ones.
      step: Math.floor((SPAN_MS - 86_400_000) / Math.max(1, charges)),
    };
    const sealer: Sealer = { hashes, left: auditRows ?? Number.MAX_SAFE_INTEGER, seal: null };
    await inTrx(db, async (trx) => {
      await execute(trx, PEOPLE, numbers);
      if (auditRows === undefined) await execute(trx, PEOPLE_ROWS, numbers);
    });
    for (let from = 0; from < charges && sealer.left > 0; from += CHUNK_CHARGES) {
      const to = Math.min(charges, from + CHUNK_CHARGES);
      const run = `run_0${String(from).padStart(25, '0')}`;
      await inTrx(db, async (trx) => {
        await execute(trx, [...CHUNK, ...(auditRows === undefined ? CHARGE_ROWS : []), ...STAGED], {
          ...numbers,
          from,
          to,
          run,
        });
        await insertAudit(trx, sealer);
      });
    }
    await db.raw('PRAGMA locking_mode = NORMAL');
    await db.raw('PRAGMA journal_mode = WAL');
  } finally {
    await db.destroy();
  }
}

/** Numbers and ids of ours may stand in the text: a statement of literals is planned for them. */
async function execute(
  db: Knex,
  statements: readonly string[],
  values: Record<string, number | string>,
): Promise<void> {
  for (const statement of statements) {
    await db.raw(statement.replaceAll(/:([a-z]+)\b/g, (whole, name: string) => literal(values[name]) ?? whole));
  }
}

function literal(value: number | string | undefined): string | undefined {
  return typeof value === 'string' ? `'${value}'` : value?.toString();
}

function inTrx(db: Knex, work: (trx: Knex) => Promise<void>): Promise<void> {
  return db.transaction(work);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [path, charges] = process.argv.slice(2);
  if (path === undefined || !Number.isSafeInteger(Number(charges)))
    throw new Error('big-book.ts PATH CHARGES [--hashes]');
  const startedAt = performance.now();
  await buildBigBook(path, { charges: Number(charges), hashes: process.argv.includes('--hashes') });
  console.log(`${charges} charges in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
}
