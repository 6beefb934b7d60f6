// Opening and making books. A book is one database; everything about reaching it is here and in dialect.ts.
import { randomBytes } from 'node:crypto';
import { access, constants, mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Knex } from 'knex';
import { schemaVersion as programSchemaVersion } from '../../migrations/versions.ts';
import { BursarError } from '../errors.ts';
import { openSqlite, translateStorageError } from './dialect.ts';

export type BookMode = 'test' | 'live';

export interface Book {
  /** Writers: a pool of one connection, durable commits. */
  readonly db: Knex;
  /** Readers: never blocked by a writer, never blocking one. */
  readonly reader: Knex;
  /** The file, for messages. */
  readonly where: string;
  readonly bookId: string;
  readonly mode: BookMode;
  readonly schemaVersion: number;
  /** Whether this process has committed anything: then there is something to seal. */
  hasWritten: boolean;
  /** Drops the writer's connection after a commit whose outcome is not known. */
  reconnect(): Promise<void>;
  close(): Promise<void>;
}

interface BookRow {
  book_id: string;
  mode: BookMode;
  schema_version: number;
}

/** Opens a book that exists. Refuses one that is missing, damaged, newer than the program, or (unless asked) older. */
export async function openBook(path: string, options: { allowOlder?: boolean } = {}): Promise<Book> {
  await assertFileIsThere(path);
  const db = openSqlite(path, 'write');
  const reader = openSqlite(path, 'read');
  const close = async (): Promise<void> => {
    await Promise.all([db.destroy(), reader.destroy()]);
  };
  try {
    // Read through the reader: the writer's pragmas would already change a file that is no book.
    const row = await readBookRow(reader, path);
    assertVersion(row.schema_version, path, options.allowOlder ?? false);
    return {
      db,
      reader,
      where: path,
      bookId: row.book_id,
      mode: row.mode,
      schemaVersion: row.schema_version,
      hasWritten: false,
      reconnect: async () => {
        await db.destroy();
        db.initialize();
      },
      close,
    };
  } catch (error) {
    await close();
    throw translateStorageError(error, path);
  }
}

/** Makes a new book at `path` (0600, its folder 0700 if it has to be made) and brings it to the newest schema. */
export async function createBook(path: string, mode: BookMode, nowMs: number): Promise<void> {
  const { migrateBook } = await import('./migrate.ts');
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    // 'wx' so that two of us can't both believe they made it.
    await (await open(path, 'wx', 0o600)).close();
  } catch (error) {
    throw new BursarError('book_unreachable', `A book can't be made at ${path} (${reason(error)}). Nothing was written.`, {
      hint: 'Choose a folder that you may write to.',
      cause: error,
    });
  }
  const db = openSqlite(path, 'create');
  try {
    await migrateBook(db, { bookId: `bk_${randomBytes(16).toString('hex')}`, mode, createdAtMs: nowMs });
  } catch (error) {
    await db.destroy();
    await Promise.all([path, `${path}-wal`, `${path}-shm`].map((file) => rm(file, { force: true })));
    throw translateStorageError(error, path);
  }
  await db.destroy();
}

export async function bookExists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function assertFileIsThere(path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found === null) {
    throw new BursarError('book_missing', `There is no book at ${path}. Nothing was done.`, {
      hint: `Make one with: bursar init --book ${path} --mode test`,
    });
  }
  if (!found.isFile()) {
    throw new BursarError('book_missing', `${path} is not a file, so it can't be a book. Nothing was done.`, {
      hint: 'Name the book file itself, as in --book ./book.db.',
    });
  }
  if (found.size === 0) {
    throw new BursarError('corrupt_book', `${path} is an empty file, not a book. Nothing was written.`, {
      hint: 'Remove it and run bursar init, or restore a backup.',
    });
  }
  await access(path, constants.R_OK | constants.W_OK).catch((error: unknown) => {
    throw new BursarError('book_unreachable', `The book ${path} can't be read and written by you. Nothing was done.`, {
      hint: 'Run as the user who owns the book, or give yourself access to it.',
      cause: error,
    });
  });
}

async function readBookRow(db: Knex, path: string): Promise<BookRow> {
  const tables = (await db.raw(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'book'`)) as unknown[];
  const [row] = tables.length === 0 ? [] : ((await db.raw('SELECT book_id, mode, schema_version FROM book')) as BookRow[]);
  if (row === undefined) {
    throw new BursarError('corrupt_book', `${path} is an SQLite database, but not a book. Nothing was written.`, {
      hint: 'Check --book, or make a new book with bursar init.',
    });
  }
  return row;
}

function assertVersion(version: number, path: string, allowOlder: boolean): void {
  if (version > programSchemaVersion) {
    throw new BursarError(
      'book_newer',
      `The book ${path} has schema ${version}; this bursar knows up to ${programSchemaVersion}. Nothing was written.`,
      { hint: 'Install the newer bursar that made or migrated it.' },
    );
  }
  if (version < programSchemaVersion && !allowOlder) {
    throw new BursarError(
      'book_older',
      `The book ${path} has schema ${version}; this bursar needs ${programSchemaVersion}. Nothing was written.`,
      { hint: `Back the file up, then run: bursar db migrate --book ${path}` },
    );
  }
}

function reason(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
