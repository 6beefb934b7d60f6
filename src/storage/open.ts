// Opening and making books. A book is one database; everything about reaching it is here and in dialect.ts.
import { randomBytes } from 'node:crypto';
import { access, constants, link, mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Knex } from 'knex';
import { schemaVersion as programSchemaVersion } from '../../migrations/versions.ts';
import { BursarError } from '../errors.ts';
import { fileVersion, type ReadAccess, readAccess, readingWithoutWriting } from './access.ts';
import { openSqlite } from './dialect.ts';
import { isEngineError, isOutOfRoom, translateStorageError } from './engine-errors.ts';
import { refuseNetworkFileSystem } from './file-system.ts';
import { syncFolder } from './sync-folder.ts';

export type BookMode = 'test' | 'live';

export interface Book {
  /** Writers: a pool of one connection, durable commits. It is connected by the first one that writes. */
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
  /** Rejects (`book_locked`) where the book was read without locks and somebody wrote to it meanwhile. */
  close(): Promise<void>;
}

interface BookRow {
  book_id: string;
  mode: BookMode;
  schema_version: number;
}

export interface OpenOptions {
  allowOlder?: boolean;
  /** How long a writer waits for another process's commit before the book counts as locked. */
  busyTimeoutMs?: number | undefined;
}

/** Opens a book that exists. Refuses one that is missing, damaged, newer than the program, or (unless asked) older. */
export async function openBook(path: string, options: OpenOptions = {}): Promise<Book> {
  refuseUrl(path);
  await assertFileIsThere(path);
  await refuseNetworkFileSystem(path);
  try {
    const { reader, row, frozenAt } = await openReader(path, options);
    const db = openSqlite(path, 'write', options.busyTimeoutMs);
    return {
      db,
      reader,
      where: path,
      bookId: row.book_id,
      mode: row.mode,
      schemaVersion: row.schema_version,
      hasWritten: false,
      close: async () => {
        // One after the other: where two connections close at once, neither is the last, and the WAL's files stay behind.
        await reader.destroy();
        await db.destroy();
        if (frozenAt !== null && frozenAt !== (await fileVersion(path))) throw changedMeanwhile(path);
      },
    };
  } catch (error) {
    throw translateStorageError(error, path);
  }
}

interface Reading {
  reader: Knex;
  row: BookRow;
  /** The file's version where it is read without locks. */
  frozenAt: string | null;
}

/** Where there is no room to make the log's index, the book is read as by someone who may not. */
async function openReader(path: string, options: OpenOptions): Promise<Reading> {
  const way = await readAccess(path);
  try {
    return await openReaderAs(way, path, options);
  } catch (error) {
    if (way !== 'read' || !isOutOfRoom(error)) throw error;
    return openReaderAs(await readingWithoutWriting(path), path, options);
  }
}

async function openReaderAs(way: ReadAccess, path: string, options: OpenOptions): Promise<Reading> {
  const frozenAt = way === 'read-frozen' ? await fileVersion(path) : null;
  const reader = openSqlite(path, way, options.busyTimeoutMs);
  try {
    // Read through the reader: the writer's pragmas would already change a file that is no book.
    const row = await readBookRow(reader, path);
    assertVersion(row.schema_version, path, options.allowOlder ?? false);
    return { reader, row, frozenAt };
  } catch (error) {
    await reader.destroy();
    throw way === 'read-locked' && isEngineError(error) && error.code === 'SQLITE_CANTOPEN'
      ? noIndex(path, error)
      : error;
  }
}

function noIndex(path: string, cause: Error): BursarError {
  return new BursarError(
    'book_unreachable',
    `The book ${path} has a write-ahead log beside it whose index is missing, and you can't make one. Nothing was read.`,
    {
      hint: 'Run any bursar command once as the user who owns the book, such as bursar db status, with some room on the disk.',
      cause,
    },
  );
}

function changedMeanwhile(path: string): BursarError {
  return new BursarError(
    'book_locked',
    `The book ${path} was written to while it was read without locks: what was shown may be from two moments.`,
    { hint: 'Run the command again.' },
  );
}

/**
 * Makes a new book at `path` (0600, its folder 0700 if it has to be made) and brings it to the newest schema. `record`
 * writes what belongs into the same commit. It is made under another name and then linked to its own, so that a kill
 * leaves no half-made book, and of two that make the same one the second is refused.
 */
export async function createBook(
  path: string,
  mode: BookMode,
  nowMs: number,
  record?: (trx: Knex) => Promise<void>,
): Promise<void> {
  refuseUrl(path);
  const { migrateBook } = await import('./migrate.ts');
  const draft = `${path}.new-${randomBytes(6).toString('hex')}`;
  const files = [draft, `${draft}-wal`, `${draft}-shm`];
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await refuseNetworkFileSystem(dirname(path));
    await (await open(draft, 'wx', 0o600)).close();
    const db = openSqlite(draft, 'create');
    try {
      const bookId = `bk_${randomBytes(16).toString('hex')}`;
      await migrateBook(db, { create: { bookId, mode, createdAtMs: nowMs }, record });
    } finally {
      // The last connection to close moves everything from the WAL into the file itself.
      await db.destroy();
    }
    await link(draft, path);
    await syncFolder(dirname(path));
  } catch (error) {
    const translated = translateStorageError(error, path);
    if (translated !== error || error instanceof BursarError || !isSystemError(error)) throw translated;
    throw new BursarError('book_unreachable', `A book can't be made at ${path} (${error.code}). Nothing was written.`, {
      hint: 'Choose a folder that you may write to.',
      cause: error,
    });
  } finally {
    await Promise.all(files.map((file) => rm(file, { force: true }).catch(() => undefined)));
  }
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
      hint: 'If there never was a book, remove the file and run bursar init. Otherwise bring back a backup with: bursar db restore FILE --force',
    });
  }
  await access(path, constants.R_OK).catch((error: unknown) => {
    throw new BursarError('book_unreachable', `The book ${path} can't be read by you. Nothing was done.`, {
      hint: 'Run as the user who owns the book, or give yourself access to it.',
      cause: error,
    });
  });
}

async function readBookRow(db: Knex, path: string): Promise<BookRow> {
  const tables = (await db.raw(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'book'`)) as unknown[];
  const [row] =
    tables.length === 0 ? [] : ((await db.raw('SELECT book_id, mode, schema_version FROM book')) as BookRow[]);
  if (row === undefined) {
    throw new BursarError('corrupt_book', `${path} is an SQLite database, but not a book. Nothing was written.`, {
      hint: 'Check --book, make a new book with bursar init, or bring back a backup with: bursar db restore FILE --force',
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

/** Books are SQLite files. A URL isn't repeated: it may hold a password. */
export function refuseUrl(path: string): void {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(path)?.[1]?.toLowerCase();
  if (scheme === undefined) return;
  const what = scheme.startsWith('postgres') ? 'A PostgreSQL database' : `A ${scheme}: URL`;
  throw new BursarError('book_unreachable', `${what} can't be a book in this version of bursar. Nothing was done.`, {
    hint: 'Name an SQLite file, as in --book ./book.db.',
  });
}

function isSystemError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && 'syscall' in error && typeof error.code === 'string';
}
