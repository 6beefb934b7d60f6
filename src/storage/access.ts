// What this user may do with the file of a book, and how it is read by someone who may not write to it: a write-ahead log
// has to be read through its index, which a reader would have to make beside the book (https://www.sqlite.org/wal.html).
import { access, constants, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BursarError } from '../errors.ts';

/**
 * `read`: beside writers, as someone who may write. `read-locked`: by the log and its index as they stand, making no
 * file. `read-frozen`: by the file alone, without locks, where there is no log.
 */
export type ReadAccess = 'read' | 'read-locked' | 'read-frozen';

/** The book's files beside it: its write-ahead log and the log's index. */
export const logOf = (path: string): string => `${path}-wal`;
export const logIndexOf = (path: string): string => `${path}-shm`;

/** Refuses (`book_unreachable`) a book that this user can't write to: the file, its log, its folder. */
export async function assertWritable(path: string): Promise<void> {
  const obstacle = await obstacleToWriting(path);
  if (obstacle === null) return;
  const isReadOnlyDisk = obstacle.code === 'EROFS';
  throw new BursarError(
    'book_unreachable',
    `${obstacle.path} can't be written to by you (${obstacle.code}). Nothing was written or sent; the book can still be read.`,
    {
      hint: isReadOnlyDisk
        ? 'The file system is mounted read-only: look at the disk, and mount it for writing.'
        : 'Run as the user who owns the book, or give yourself access to the file and its folder.',
    },
  );
}

async function obstacleToWriting(path: string): Promise<{ path: string; code: string } | null> {
  for (const [what, mode] of [
    [path, constants.R_OK | constants.W_OK],
    [dirname(path), constants.W_OK | constants.X_OK],
    [logOf(path), constants.R_OK | constants.W_OK],
    [logIndexOf(path), constants.R_OK | constants.W_OK],
  ] as const) {
    const code = await access(what, mode).then(
      () => null,
      (error: NodeJS.ErrnoException) => error.code ?? 'EACCES',
    );
    if (code !== null && code !== 'ENOENT') return { path: what, code };
  }
  return null;
}

/** How this user reads the book. */
export async function readAccess(path: string): Promise<ReadAccess> {
  return (await obstacleToWriting(path)) === null ? 'read' : readingWithoutWriting(path);
}

/** How the book is read without making a file beside it. */
export async function readingWithoutWriting(path: string): Promise<ReadAccess> {
  const log = await stat(logOf(path)).catch(() => null);
  return log === null || log.size === 0 ? 'read-frozen' : 'read-locked';
}

/** What changes whenever anyone writes to the file itself. */
export async function fileVersion(path: string): Promise<string> {
  const { ino, size, mtimeNs } = await stat(path, { bigint: true });
  return `${ino} ${size} ${mtimeNs}`;
}
