// Migrations: each one leaves the rows before it as they were, a kill half-way leaves the old schema, and the tables of
// facts refuse to be changed by anyone.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrations } from '../../migrations/index.ts';
import { schemaVersion } from '../../migrations/versions.ts';
import { openSqlite } from '../../src/storage/dialect.ts';
import { migrateBook, pendingMigrations } from '../../src/storage/migrate.ts';
import { createBook, openBook } from '../../src/storage/open.ts';
import { temporaryFolder } from '../support/cli.ts';
import { everyRow, oldBook } from '../support/old-book.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let path: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  path = join(folder.path, 'book.db');
});
afterEach(() => folder.remove());

async function schemaOf(file: string): Promise<unknown> {
  const db = openSqlite(file, 'read');
  const schema = await db.raw(
    `SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name`,
  );
  await db.destroy();
  return schema;
}

const versions = migrations.map((_, index) => index + 1);

test.each(versions)('schema %i with rows in every table comes to the newest one unharmed', async (version) => {
  await oldBook(path, version);
  const db = openSqlite(path, 'write');
  const before = await everyRow(db);
  expect([...before.values()].filter((rows) => rows.length === 0)).toEqual([]);
  const names = migrations.slice(version).map(({ name }) => name);
  expect(pendingMigrations(version)).toEqual(names);

  expect(await migrateBook(db)).toEqual(names);

  const after = await everyRow(db);
  before.set(
    'book',
    (before.get('book') ?? []).map((row) => ({ ...row, schema_version: schemaVersion })),
  );
  for (const [table, rows] of before) {
    expect(after.get(table), table).toEqual(rows.map((row) => expect.objectContaining(row)));
  }
  expect(await migrateBook(db)).toEqual([]);
  expect(await db.raw('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  expect(await db.raw('PRAGMA foreign_key_check')).toEqual([]);
  await db.destroy();

  const fresh = join(folder.path, 'fresh.db');
  await createBook(fresh, 'test', 1000);
  expect(await schemaOf(path)).toEqual(await schemaOf(fresh));
});

test('an older book is refused until it is migrated', async () => {
  await oldBook(path, schemaVersion - 1);
  await expect(openBook(path)).rejects.toMatchObject({ code: 'book_older' });
  const book = await openBook(path, { allowOlder: true });
  expect(book.schemaVersion).toBe(schemaVersion - 1);
  await migrateBook(book.db);
  await book.close();
  await (await openBook(path)).close();
});

test('a step that fails takes all steps back', async () => {
  await oldBook(path, 2);
  const before = await schemaOf(path);
  const db = openSqlite(path, 'write');
  const record = () => Promise.reject(new Error('no room'));
  await expect(migrateBook(db, { record })).rejects.toThrow('no room');
  await db.destroy();
  expect(await schemaOf(path)).toEqual(before);
});

const stopper = fileURLToPath(new URL('../support/stop-in-migration.ts', import.meta.url));

async function killBeforeCommit(what: 'create' | 'migrate'): Promise<void> {
  const child = spawn(process.execPath, ['--import', 'tsx', stopper, what, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'close');
}

test('a kill in the middle of a migration leaves the old schema and every row; the next migration succeeds', async () => {
  await oldBook(path, 3);
  const before = await schemaOf(path);
  await killBeforeCommit('migrate');
  expect(await schemaOf(path)).toEqual(before);
  const db = openSqlite(path, 'write');
  expect((await db.raw('SELECT schema_version FROM book')) as unknown).toEqual([{ schema_version: 3 }]);
  expect(await migrateBook(db)).toEqual(migrations.slice(3).map(({ name }) => name));
  await db.destroy();
});

test('a kill while a book is made leaves no book, and making it again succeeds', async () => {
  await killBeforeCommit('create');
  await expect(openBook(path)).rejects.toMatchObject({ code: 'book_missing' });
  await createBook(path, 'test', 1000);
  await (await openBook(path)).close();
  for (const name of await readdir(folder.path)) if (name.includes('.new-')) await rm(join(folder.path, name));
  expect(await readdir(folder.path)).toEqual(['book.db']);
});

test('of two that make the same book, one is refused and the book is whole', async () => {
  const results = await Promise.allSettled([createBook(path, 'test', 1000), createBook(path, 'live', 1000)]);
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'book_unreachable' } });
  const made = results[0]?.status === 'fulfilled' ? 'test' : 'live';
  const book = await openBook(path);
  expect(book.mode).toBe(made);
  await book.close();
  expect(await readdir(folder.path)).toEqual(['book.db']);
});

const APPEND_ONLY = [
  'journal_entries',
  'postings',
  'balance_snapshots',
  'closed_months',
  'audit_rows',
  'seals',
  'seal_members',
  'events',
  'skipped_periods',
];

test.each(APPEND_ONLY)('%s is append-only', async (table) => {
  await oldBook(path, schemaVersion);
  const db = openSqlite(path, 'write');
  const rows = await db.raw(`SELECT * FROM ${table}`);
  const [column = ''] = Object.keys(rows[0]);
  const refusal = new RegExp(`append-only: ${table} can not be changed`);
  await expect(db.raw(`UPDATE ${table} SET ${column} = ${column}`)).rejects.toThrow(refusal);
  await expect(db.raw(`DELETE FROM ${table}`)).rejects.toThrow(refusal);
  await expect(db.raw(`INSERT OR REPLACE INTO ${table} SELECT * FROM ${table}`)).rejects.toThrow(/append-only|closed/);
  expect(await db.raw(`SELECT * FROM ${table}`)).toEqual(rows);
  await db.destroy();
});

test('a posting is refused in a closed month, in two currencies, without an amount, and to its own account', async () => {
  await oldBook(path, schemaVersion);
  const db = openSqlite(path, 'write');
  await db.raw(`INSERT INTO accounts VALUES (3, 'revenue:sales', 'EUR', 'credit')`);
  const post = (line: number, month: number, debit: number, credit: number, amount: number): Promise<unknown> =>
    db.raw(`INSERT INTO postings VALUES ('je_1', ?, ?, ?, ?, 'USD', ?)`, [line, month, debit, credit, amount]);
  await expect(post(2, 202612, 1, 2, 100)).rejects.toThrow('the month of this posting is closed');
  await expect(post(2, 202701, 1, 3, 100)).rejects.toThrow('a posting keeps to the currency of its accounts');
  await expect(post(2, 202701, 1, 2, 0)).rejects.toThrow('CHECK constraint failed');
  await expect(post(2, 202701, 1, 1, 100)).rejects.toThrow('CHECK constraint failed');
  await expect(post(2, 202701, 1, 2, 10 ** 15 + 1)).rejects.toThrow('CHECK constraint failed');
  await db.destroy();
});
