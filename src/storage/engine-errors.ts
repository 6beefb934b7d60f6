// What the engine says is wrong with a book, as the one table of what a person is told: what happened, what was not done,
// and what to do. SQLite's extended codes (https://www.sqlite.org/rescode.html) tell apart what its primary ones mix up.
import { BursarError, type ErrorCode } from '../errors.ts';

/** Primary result codes by number; an extended code is one of them in its lowest byte. */
const PRIMARY_CODES: Record<number, string> = {
  1: 'SQLITE_ERROR',
  2: 'SQLITE_INTERNAL',
  3: 'SQLITE_PERM',
  4: 'SQLITE_ABORT',
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  7: 'SQLITE_NOMEM',
  8: 'SQLITE_READONLY',
  9: 'SQLITE_INTERRUPT',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  12: 'SQLITE_NOTFOUND',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  15: 'SQLITE_PROTOCOL',
  17: 'SQLITE_SCHEMA',
  18: 'SQLITE_TOOBIG',
  19: 'SQLITE_CONSTRAINT',
  20: 'SQLITE_MISMATCH',
  21: 'SQLITE_MISUSE',
  22: 'SQLITE_NOLFS',
  23: 'SQLITE_AUTH',
  25: 'SQLITE_RANGE',
  26: 'SQLITE_NOTADB',
};

export interface EngineError extends Error {
  /** The primary code, whatever the extended one is. */
  code: string;
  /** The extended code where there is one. */
  errno: number;
}

export function isEngineError(error: unknown): error is EngineError {
  return (
    error instanceof Error &&
    'errno' in error &&
    typeof error.errno === 'number' &&
    'code' in error &&
    typeof error.code === 'string' &&
    error.code.startsWith('SQLITE_')
  );
}

/** The driver names only primary codes and calls the others UNKNOWN: this gives such an error its name. */
export function nameEngineError(error: unknown): void {
  if (!(error instanceof Error) || !('errno' in error) || typeof error.errno !== 'number') return;
  const code = PRIMARY_CODES[error.errno & 0xff];
  if (code === undefined || !('code' in error) || error.code !== 'UNKNOWN') return;
  error.code = code;
  error.message = error.message.replace(/^UNKNOWN/, code);
}

interface Words {
  code: ErrorCode;
  /** After `The book PATH …`; what was not done follows. */
  what: string;
  hint: string;
}

const FULL: Words = {
  code: 'book_full',
  what: 'has no room to grow: its disk is full, or a limit on file sizes is met.',
  hint: 'Free some space on that disk, or raise the limit (ulimit -f), and run the command again. The book can still be read.',
};
const DAMAGED: Words = {
  code: 'corrupt_book',
  what: 'is damaged.',
  hint: 'Look at the disk, keep the file as it is, and bring back a backup of it with: bursar db restore FILE --force',
};
const UNREADABLE: Words = {
  code: 'book_unreachable',
  what: 'could not be read: the disk does not give a part of it back.',
  hint: 'Look at the disk first. If the part stays lost, keep what is left of the file, and bring back a backup with: bursar db restore FILE --force',
};
const DISK_FAILS: Words = {
  code: 'book_unreachable',
  what: 'could not be read or written: the disk reports an error.',
  hint: "Look at the disk (the system's log names it) before anything else, then run the command again.",
};
const LOCKED: Words = {
  code: 'book_locked',
  what: 'is locked by another process.',
  hint: 'Wait for the other command to end and run this one again.',
};
const NOT_YOURS: Words = {
  code: 'book_unreachable',
  what: "can't be opened for writing.",
  hint: 'Check that the file, its -wal and -shm beside it and their folder exist and belong to you.',
};

/** By extended code. */
const EXTENDED: Record<number, Words> = {
  // IOERR_WRITE: ENOSPC is FULL already, so what is left is EDQUOT, EFBIG and a disk that fails.
  778: {
    code: 'book_unreachable',
    what: 'could not be written.',
    hint: 'Look at the disk, your quota on it and the limit on file sizes (ulimit -f), then run the command again.',
  },
  // IOERR_SHMSIZE: there is no room for the index of the write-ahead log.
  4874: FULL,
  // IOERR_DATA, IOERR_CORRUPTFS (EIO while reading is one), IOERR_IN_PAGE
  8202: UNREADABLE,
  8458: UNREADABLE,
  8714: UNREADABLE,
  // BUSY_RECOVERY
  261: {
    ...LOCKED,
    what: 'is being recovered by another process, after one that ended in the middle of a commit.',
    hint: 'Run the command again in a moment.',
  },
  // CORRUPT_INDEX
  779: { ...DAMAGED, what: 'is damaged: an index does not agree with its table.' },
  // READONLY_DBMOVED
  1032: {
    code: 'book_unreachable',
    what: 'was moved or replaced by another file while it was open.',
    hint: 'Find out who moved it, put the right file in its place, and run the command again.',
  },
  // READONLY_RECOVERY, READONLY_CANTLOCK, READONLY_CANTINIT
  264: readersOnly(),
  520: readersOnly(),
  1288: readersOnly(),
  // CANTOPEN_DIRTYWAL
  1294: readersOnly(),
  // READONLY_DIRECTORY
  1544: { ...NOT_YOURS, what: "is in a folder that you can't write to." },
  // CANTOPEN_SYMLINK
  1550: {
    ...NOT_YOURS,
    what: 'is reached through a symbolic link that the engine does not follow.',
    hint: 'Name the file itself.',
  },
};

function readersOnly(): Words {
  return {
    code: 'book_unreachable',
    what: 'was left in the middle of a commit, and only someone who may write to it can read it again.',
    hint: 'Run any bursar command once as the user who owns the book, such as bursar db status.',
  };
}

/** By primary code, where the extended one says nothing more. */
const PRIMARY: Record<string, Words> = {
  SQLITE_BUSY: LOCKED,
  SQLITE_LOCKED: LOCKED,
  SQLITE_PROTOCOL: { ...LOCKED, what: 'could not be locked: other processes are opening or recovering it.' },
  SQLITE_NOTADB: {
    ...DAMAGED,
    what: 'is not a book: the file is no SQLite database.',
    hint: 'Check --book. If the file used to be a book, keep it, and bring back a backup with: bursar db restore FILE --force',
  },
  SQLITE_CORRUPT: DAMAGED,
  SQLITE_IOERR: DISK_FAILS,
  SQLITE_FULL: FULL,
  SQLITE_CANTOPEN: NOT_YOURS,
  SQLITE_READONLY: NOT_YOURS,
  SQLITE_PERM: NOT_YOURS,
  SQLITE_AUTH: NOT_YOURS,
  SQLITE_NOMEM: {
    code: 'book_unreachable',
    what: 'could not be worked on: there is no memory left.',
    hint: 'Give the process more memory, or end others, and run the command again.',
  },
  SQLITE_NOLFS: {
    code: 'book_unreachable',
    what: 'is larger than this system can handle.',
    hint: 'Put the book on a system with large files.',
  },
};

function wordsOf(error: unknown): Words | undefined {
  return isEngineError(error) ? (EXTENDED[error.errno] ?? PRIMARY[error.code]) : undefined;
}

/** What is wrong with the book and what to do, to follow `it`; null where the engine names no fault of the book. */
export function faultOf(error: unknown): { what: string; hint: string } | null {
  return wordsOf(error) ?? null;
}

/** Turns what the engine says about the book itself into a BursarError; anything else is passed through as it is. */
export function translateStorageError(error: unknown, where: string): unknown {
  const words = wordsOf(error);
  if (words === undefined) return error;
  const message = `The book ${where} ${words.what} Nothing more was written.`;
  return new BursarError(words.code, message, { hint: words.hint, cause: error });
}

/** Whether there was no room to read it: the index of the write-ahead log needs 32 KiB beside the book. */
export function isOutOfRoom(error: unknown): boolean {
  return isEngineError(error) && (error.code === 'SQLITE_FULL' || NO_INDEX.includes(error.errno));
}
/** IOERR_SHMOPEN, IOERR_SHMSIZE, IOERR_SHMMAP */
const NO_INDEX = [4618, 4874, 5386];

/** Errors of a statement, after which its connection is as good as before. */
const OF_A_STATEMENT = [
  'SQLITE_ERROR',
  'SQLITE_BUSY',
  'SQLITE_LOCKED',
  'SQLITE_INTERRUPT',
  'SQLITE_SCHEMA',
  'SQLITE_TOOBIG',
  'SQLITE_CONSTRAINT',
  'SQLITE_MISMATCH',
  'SQLITE_RANGE',
];

/** Whether the connection that met this error may still be used. A COMMIT that failed for whatever reason ends it. */
export function endsConnection(error: unknown, sql: string): boolean {
  if (/^commit\b/i.test(sql)) return true;
  return isEngineError(error) && !OF_A_STATEMENT.includes(error.code);
}
