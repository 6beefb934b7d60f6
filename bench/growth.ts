// What a book of 5 M charges costs against an almost empty one, side by side: a charge, a due-selection, a claim, the
// lists and `charges show` as whole processes, and charges in bulk. BENCH_BOOK names a file where the big book is kept
// (and made, if it isn't there), BENCH_BOOK_CHARGES another size.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { schemaVersion } from '../migrations/versions.ts';
import { dueCharges } from '../src/charges/charges-store.ts';
import { writePendingCharges } from '../src/charges/new-charge.ts';
import type { Pipeline } from '../src/charges/pipeline.ts';
import { select } from '../src/storage/batch.ts';
import { openSqlite } from '../src/storage/dialect.ts';
import { writeTrx } from '../src/storage/trx.ts';
import { buildBigBook } from './big-book.ts';
import { anyOf, type BulkBook, bulkBook, chargeMany, chargeOf, type Payer } from './bulk-book.ts';
import { BIN, run } from './child.ts';
import { alternate, type Candidate, report } from './rounds.ts';

const CHARGES = Number(process.env.BENCH_BOOK_CHARGES ?? 5_000_000);
const SMALL_CHARGES = 1_000;
const ROUNDS = 5;
/** Customers that are charged, from all over the book. */
const PAYERS = 2_000;
const BULK = Number(process.env.BENCH_CHARGES ?? 20_000);
const BATCH = 1_000;
const CLAIM = 64;
const FLAT = { atMost: 1.2 };

export async function bench(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'bursar-bench-'));
  try {
    const paths = { small: join(folder, 'small.db'), big: process.env.BENCH_BOOK ?? join(folder, 'big.db') };
    await buildBigBook(paths.small, { charges: SMALL_CHARGES, customers: PAYERS, hashes: false });
    if (!existsSync(paths.big)) await buildBigBook(paths.big, { charges: CHARGES, hashes: false });
    console.log(`${await countText(paths.small)} against ${await countText(paths.big)}, schema ${schemaVersion}`);
    const lists = await timeProcesses(paths, folder);
    const work = await timeWork(paths);
    const bulk = await timeBulk(paths, folder);
    return lists && work && bulk;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type Paths = Record<'small' | 'big', string>;
const SIZES = ['small', 'big'] as const;

/** One line each, the small book first. */
async function timePair(
  name: string,
  goal: Candidate['goal'],
  run: (size: (typeof SIZES)[number]) => Promise<number>,
  prepare?: (size: (typeof SIZES)[number]) => Promise<void>,
  count?: number,
): Promise<boolean> {
  const candidates = SIZES.map((size): Candidate => {
    const candidate: Candidate = { name: `${name}, ${size}`, run: () => run(size) };
    if (prepare !== undefined) candidate.prepare = () => prepare(size);
    if (size === 'big' && goal !== undefined) candidate.goal = goal;
    return candidate;
  });
  return report(await alternate(candidates, ROUNDS), count ?? null);
}

async function timeProcesses(paths: Paths, cwd: string): Promise<boolean> {
  const commands: Record<string, (path: string) => Promise<string[]>> = {
    'charges list': async () => ['charges', 'list'],
    'charges list --status': async () => ['charges', 'list', '--status', 'captured'],
    'charges list --customer': async (path) => ['charges', 'list', '--customer', await randomOf(path, 'customers')],
    'charges show': async (path) => ['charges', 'show', await randomOf(path, 'charges')],
  };
  let met = true;
  for (const [name, argsOf] of Object.entries(commands)) {
    const args: Partial<Record<'small' | 'big', string[]>> = {};
    const isMet = await timePair(
      name,
      FLAT,
      async (size) => (await run(process.execPath, [BIN, ...(args[size] ?? []), '--book', paths[size]], { cwd })).ms,
      async (size) => {
        args[size] = await argsOf(paths[size]);
      },
    );
    met &&= isMet;
  }
  return met;
}

/** In one process each, warm, on the same books in every round. */
async function timeWork(paths: Paths): Promise<boolean> {
  const books = { small: await openFor(paths.small), big: await openFor(paths.big) };
  try {
    for (const size of SIZES) await makeDue(books[size], (ROUNDS + 1) * 10 * CLAIM + 1_000);
    const nowMs = Date.now();
    const due = async (size: (typeof SIZES)[number], limit: number) =>
      dueCharges(books[size].book.reader, 'pending', nowMs, 'run_none', limit);
    const one = await timePair('50 charges, one by one', FLAT, async (size) =>
      timed(async () => {
        for (let index = 0; index < 50; index += 1) await chargeMany(books[size], 1, 1);
      }),
    );
    const selection = await timePair('20 selections of 1,000 due', FLAT, async (size) =>
      timed(async () => {
        for (let index = 0; index < 20; index += 1) {
          if ((await due(size, 1_000)).length !== 1_000) throw new Error('fewer than 1,000 are due');
        }
      }),
    );
    const claims = await timePair(`10 claims of ${CLAIM}`, FLAT, async (size) => {
      let ms = 0;
      for (let index = 0; index < 10; index += 1) {
        const ids = (await due(size, CLAIM)).map(({ id }) => id);
        ms += await timed(() => claim(books[size].pipeline, ids, nowMs));
      }
      return ms;
    });
    return one && selection && claims;
  } finally {
    for (const size of SIZES) await books[size].close();
  }
}

/** The small book is new in every round; what closing it writes into its file is timed too. */
async function timeBulk(paths: Paths, folder: string): Promise<boolean> {
  const small = join(folder, 'bulk.db');
  let book: BulkBook | null = null;
  return timePair(
    `${BULK} charges in bulk`,
    { atLeast: 0.7 },
    () =>
      timed(async () => {
        await chargeMany(book as BulkBook, BULK, 4 * BATCH);
        await (book as BulkBook).close();
      }),
    async (size) => {
      if (size === 'small') {
        rmSync(small, { force: true });
        await buildBigBook(small, { charges: SMALL_CHARGES, customers: PAYERS, hashes: false });
      }
      book = await openFor(size === 'small' ? small : paths.big);
      await chargeMany(book, 1, 1);
    },
    BULK,
  );
}

async function openFor(path: string): Promise<BulkBook> {
  const db = openSqlite(path, 'read');
  const payers = await select<Payer>(
    db,
    `SELECT customer_id AS "customerId", id AS "methodId" FROM payment_methods ORDER BY random() LIMIT ?`,
    [PAYERS],
  );
  await db.destroy();
  return bulkBook({ path, payers });
}

async function makeDue({ book, pipeline, payers }: BulkBook, count: number): Promise<void> {
  for (let made = 0; made < count; made += BATCH) {
    const charges = Array.from({ length: BATCH }, () => chargeOf(anyOf(payers), Date.now() - 3_600_000));
    await writeTrx(book, (trx) => writePendingCharges(trx, pipeline.context, charges));
  }
}

async function claim(pipeline: Pipeline, ids: readonly string[], asOfMs: number): Promise<void> {
  const opened = await Promise.all(
    ids.map((chargeId) => pipeline.open({ kind: 'collect', chargeId, asOfMs, runId: null })),
  );
  if (opened.some(({ kind }) => kind !== 'opened')) throw new Error('a charge that is due was not opened');
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** The id of a row from anywhere in the table. */
async function randomOf(path: string, table: string): Promise<string> {
  const db = openSqlite(path, 'read');
  const [row] = await select<{ id: string }>(
    db,
    `SELECT id FROM ${table} WHERE rowid >= 1 + abs(random()) % (SELECT MAX(rowid) FROM ${table}) LIMIT 1`,
  );
  await db.destroy();
  return row?.id ?? '';
}

async function countText(path: string): Promise<string> {
  const db = openSqlite(path, 'read');
  const [row] = await select<{ n: number }>(db, 'SELECT MAX(rowid) AS n FROM charges');
  await db.destroy();
  return `${(row?.n ?? 0).toLocaleString('en')} charges`;
}
