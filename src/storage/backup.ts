// A copy of a book while others bill: VACUUM INTO reads one snapshot, which in WAL mode blocks no writer, and writes a
// file of its own. The copy is checked before it gets its name, and appears whole or not at all.
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, link, lstat, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Knex } from 'knex';
import { BursarError } from '../errors.ts';
import { openSqlite } from './dialect.ts';
import { translateStorageError } from './engine-errors.ts';
import { danglingRows, integrityProblems } from './integrity-store.ts';
import { syncFolder } from './sync-folder.ts';

export interface Copied<T> {
  bytes: number;
  sha256: string;
  /** What `describe` read from the copy. */
  description: T;
}

/** Refuses (`output_exists`, `output_unwritable`) a place where no backup may be put. */
export async function assertBackupPlace(out: string, force: boolean, forbidden: readonly string[]): Promise<void> {
  if (forbidden.includes(resolve(out))) throw unwritable(out, 'it is a file that bursar itself needs');
  const folder = await stat(dirname(out)).catch((error: unknown) => {
    throw unwritable(out, codeOf(error) === 'ENOENT' ? 'its folder does not exist' : codeOf(error), error);
  });
  if (!folder.isDirectory()) throw unwritable(out, 'its folder is not a folder');
  const found = await lstat(out).catch(() => null);
  if (found?.isDirectory()) throw unwritable(out, 'it is a folder');
  if (found !== null && !found.isFile() && !found.isSymbolicLink()) throw unwritable(out, 'it is not a regular file');
  if (found !== null && !force) throw exists(out);
}

/**
 * Copies the book at `path` to `out` (0600). BursarError `corrupt_book` where the copy does not pass its check: then
 * there is no file at `out`, and what stood there still does.
 */
export async function copyBook<T>(
  path: string,
  out: string,
  force: boolean,
  describe: (db: Knex) => Promise<T>,
): Promise<Copied<T>> {
  const draft = `${out}.new-${randomBytes(6).toString('hex')}`;
  try {
    // VACUUM INTO takes an empty file: made by us, so that nobody else may read it at any moment.
    await (await open(draft, 'wx', 0o600)).close();
    await vacuumInto(path, draft);
    const description = await checked(draft, path, describe);
    await chmod(draft, 0o600);
    await syncFile(draft);
    const sha256 = await sha256Of(draft);
    const { size: bytes } = await stat(draft);
    await put(draft, out, force);
    return { bytes, sha256, description };
  } catch (error) {
    const translated = translateStorageError(error, path);
    if (translated instanceof BursarError) throw translated;
    if (codeOf(error) === '') throw error;
    throw unwritable(out, codeOf(error) === 'ENOSPC' ? 'the disk is full' : codeOf(error), error);
  } finally {
    await rm(draft, { force: true }).catch(() => undefined);
  }
}

/** Writes a small file beside a backup, whole or not at all. */
export async function writeBeside(path: string, text: string): Promise<void> {
  const draft = `${path}.new-${randomBytes(6).toString('hex')}`;
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
    await syncFolder(dirname(path));
  } catch (error) {
    throw unwritable(path, codeOf(error), error);
  } finally {
    await rm(draft, { force: true }).catch(() => undefined);
  }
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function vacuumInto(path: string, draft: string): Promise<void> {
  const db = openSqlite(path, 'plain');
  try {
    await db.raw('VACUUM INTO ?', [draft]);
  } finally {
    await db.destroy();
  }
}

async function checked<T>(draft: string, path: string, describe: (db: Knex) => Promise<T>): Promise<T> {
  const db = openSqlite(draft, 'plain');
  try {
    const [problem] = await integrityProblems(db, false, 1);
    const [dangling] = await danglingRows(db, 1);
    if (problem !== undefined || dangling !== undefined) {
      const what = problem ?? `a row of ${dangling?.table} names a row of ${dangling?.parent} that is not there`;
      throw new BursarError('corrupt_book', `The book ${path} is damaged: ${what}. No backup was made of it.`, {
        hint: 'Keep the file and every earlier backup; see: bursar ledger check --deep',
      });
    }
    return await describe(db);
  } finally {
    await db.destroy();
  }
}

async function put(draft: string, out: string, force: boolean): Promise<void> {
  if (force) await rename(draft, out);
  else {
    // link() fails where a file has appeared meanwhile; rename() would replace it.
    await link(draft, out).catch((error: unknown) => {
      throw codeOf(error) === 'EEXIST' ? exists(out) : error;
    });
  }
  await syncFolder(dirname(out));
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');

function unwritable(path: string, why: string, cause?: unknown): BursarError {
  return new BursarError('output_unwritable', `${path} can't be written: ${why}. No backup was made.`, {
    hint: 'Name a file in a folder that exists and that you may write to.',
    cause,
  });
}

function exists(path: string): BursarError {
  return new BursarError('output_exists', `${path} exists already. No backup was made.`, {
    hint: 'Choose another name, or replace it with --force.',
  });
}
