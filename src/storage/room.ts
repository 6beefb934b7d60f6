// Whether what is about to be sent can also be recorded. A charge that was sent and can't be settled is an unknown that a
// look at the disk would have spared, so a run looks before it opens attempts: free bytes, and the limit on file sizes.
import { readFile, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BursarError } from '../errors.ts';
import { logOf } from './access.ts';
import { emptyLog } from './dialect.ts';
import { isEngineError } from './engine-errors.ts';
import type { Book } from './open.ts';

/**
 * What one attempt takes from open to settle. Measured over books of 10 to 4,000 charges: 15 to 32 KB of log and 4 KB of
 * file; the rest is for large books, whose indexes dirty more pages a row.
 */
const ATTEMPT_BYTES = 48 * 1024;
/** The rows of the process and its run, the seal, the log's index and header: measured 150 KB. */
const FIXED_BYTES = 1024 * 1024;
/** A log of this size or less is not worth emptying for the room it takes. */
const SMALL_LOG_BYTES = 1024 * 1024;

/**
 * Refuses (`book_full`, with nothing written) where `attempts`, all that are in hand or about to be opened, could not be
 * settled for lack of room. One statfs and two stats; where there is too little, the log is emptied first.
 */
export async function assertRoom(book: Book, attempts: number): Promise<void> {
  const neededBytes = FIXED_BYTES + attempts * ATTEMPT_BYTES;
  let short = await shortage(book.where, neededBytes);
  if (short !== null && (await sizeOf(logOf(book.where))) > SMALL_LOG_BYTES) {
    await emptyLog(book.db).catch((error: unknown) => {
      if (!isEngineError(error)) throw error;
    });
    short = await shortage(book.where, neededBytes);
  }
  if (short !== null) throw tooLittle(book.where, short, neededBytes);
}

interface Shortage {
  of: 'disk' | 'file size';
  leftBytes: number;
}

async function shortage(path: string, neededBytes: number): Promise<Shortage | null> {
  const { bavail, blocks, bsize } = await statfs(dirname(path));
  // A file system that counts no blocks at all tells nothing.
  if (blocks > 0 && bavail * bsize < neededBytes) return { of: 'disk', leftBytes: bavail * bsize };
  const limitBytes = await fileSizeLimit();
  if (limitBytes === null) return null;
  const leftBytes = limitBytes - Math.max(await sizeOf(path), await sizeOf(logOf(path)));
  return leftBytes < neededBytes ? { of: 'file size', leftBytes: Math.max(0, leftBytes) } : null;
}

/** This process's limit on the size of a file (setrlimit(2), RLIMIT_FSIZE) in bytes; null where there is none. */
async function fileSizeLimit(): Promise<number | null> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const soft = /^Max file size\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? null : Number(soft);
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.size ?? 0;
}

function tooLittle(path: string, { of, leftBytes }: Shortage, neededBytes: number): BursarError {
  const [what, hint] =
    of === 'disk'
      ? [
          'The disk of the book',
          'Free some space on that disk, then run the command again: it goes on where this stood.',
        ]
      : [
          'The limit on file sizes of this process, for the book',
          'Raise the limit (ulimit -f), then run the command again: it goes on where this stood.',
        ];
  return new BursarError(
    'book_full',
    `${what} ${path} leaves ${leftBytes} bytes, and ${neededBytes} may be needed to record what comes of it. Nothing more was opened or sent.`,
    { hint },
  );
}
