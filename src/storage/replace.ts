// Putting another file in the place of a book, and the book aside. Killed anywhere, either the old book or the new one
// stands there whole: the old one gets its second name first, then the new one takes the place in one rename.
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { link, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Knex } from 'knex';
import { BursarError } from '../errors.ts';
import { openSqlite } from './dialect.ts';
import { translateStorageError } from './engine-errors.ts';
import { syncFolder } from './sync-folder.ts';

/** Copies `source` (with what stands in its WAL, if it has one) beside `target`. Answers with the copy's name and digest. */
export async function stageBeside(source: string, target: string): Promise<{ staged: string; sha256: string }> {
  const staged = `${target}.restoring-${randomBytes(6).toString('hex')}`;
  const sha256 = await copy(source, staged);
  if (((await stat(`${source}-wal`).catch(() => null))?.size ?? 0) > 0) await copy(`${source}-wal`, `${staged}-wal`);
  return { staged, sha256 };
}

export async function removeStaged(staged: string): Promise<void> {
  await Promise.all([staged, `${staged}-wal`, `${staged}-shm`].map((path) => rm(path, { force: true })));
}

async function copy(source: string, target: string): Promise<string> {
  const hash = createHash('sha256');
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  await pipeline(createReadStream(source), hashing, createWriteStream(target, { flags: 'wx', mode: 0o600 }));
  return hash.digest('hex');
}

/** What to do with the book that stands there, while nobody else can use it. `null`: it can't be read as a book. */
export type WithOld = (old: Knex | null) => Promise<void>;

/**
 * Replaces the book at `target` by `staged`, which no one has open. `check` may refuse by throwing. What stood there is
 * at `aside` afterwards. BursarError `book_locked` while any process has the old book open.
 */
export async function replaceBook(
  staged: string,
  target: string,
  aside: string | null,
  busyTimeoutMs: number | undefined,
  check: WithOld,
): Promise<void> {
  const file = await open(staged, 'r+');
  await file.sync().finally(() => file.close());
  if (aside === null) {
    await check(null);
    // link() fails where a book has appeared meanwhile.
    await link(staged, target);
    await syncFolder(dirname(target));
    return;
  }
  await alone(target, busyTimeoutMs, async (old) => {
    await check(old);
    await link(target, aside);
    // A WAL that stayed behind would be taken for the new book's. One that could be folded in is gone by now.
    for (const end of ['-wal', '-shm']) {
      await link(`${target}${end}`, `${aside}${end}`).catch(ignoreMissing);
    }
    await syncFolder(dirname(target));
    for (const end of ['-wal', '-shm']) await rm(`${target}${end}`, { force: true });
    await rename(staged, target);
    await syncFolder(dirname(target));
  });
}

/**
 * Runs `work` while this process alone has the book. Leaving WAL mode needs that nobody else has it open, folds the WAL
 * into the file and removes it. A file that is damaged is nobody's: `work` is given `null`.
 */
async function alone(path: string, busyTimeoutMs: number | undefined, work: WithOld): Promise<void> {
  const db = openSqlite(path, 'plain', busyTimeoutMs);
  try {
    const isReadable = await takeAlone(db, path);
    await work(isReadable ? db : null);
    if (isReadable) await db.raw('ROLLBACK');
  } finally {
    await db.destroy();
  }
}

async function takeAlone(db: Knex, path: string): Promise<boolean> {
  try {
    await db.raw('PRAGMA journal_mode = DELETE');
    await db.raw('BEGIN EXCLUSIVE');
    await db.raw('SELECT 1 FROM book');
    return true;
  } catch (error) {
    const translated = translateStorageError(error, path);
    const code = translated instanceof BursarError ? translated.code : null;
    if (code === 'book_locked') {
      throw new BursarError('book_locked', `The book ${path} is in use by another process. Nothing was restored.`, {
        hint: 'Wait for the other command to end, and stop what starts new ones, then run this one again.',
        cause: error,
      });
    }
    await db.raw('ROLLBACK').catch(() => undefined);
    if (code === 'book_unreachable') throw translated;
    return false;
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
