// What `bursar db restore` does: a backup is copied beside the book, checked, put into quarantine unless nothing can have
// been sent since it was taken, and takes the book's place. The book itself is kept aside. Beside app.ts, which opens books
// that exist and are sound: neither need be so here.
import { readFile, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { schemaVersion as programVersion } from '../migrations/versions.ts';
import { actorOf } from './app.ts';
import { type Author, appendAudit, authorOf, type Told } from './audit/audit.ts';
import { sealPending } from './audit/seal.ts';
import { type BackupManifest, fileTime, manifestPath } from './back-up-book.ts';
import { beginQuarantine, type Quarantine } from './charges/guard-store.ts';
import { type Clock, systemClock } from './clock.ts';
import { busyTimeoutOf, type Environment, loadConfig, resolveBookUrl } from './config/load.ts';
import { stateFolder } from './config/state-folder.ts';
import { BursarError, type ErrorCode } from './errors.ts';
import type { Db } from './storage/db.ts';
import { openSqlite } from './storage/dialect.ts';
import { translateStorageError } from './storage/engine-errors.ts';
import { type BookIdentity, identify } from './storage/identity-store.ts';
import { danglingRows, integrityProblems } from './storage/integrity-store.ts';
import { livingOwners } from './storage/lease.ts';
import { Mark } from './storage/mark.ts';
import { migrateBook } from './storage/migrate.ts';
import { type BookMode, bookExists, openBook, refuseUrl } from './storage/open.ts';
import { removeStaged, replaceBook, stageBeside } from './storage/replace.ts';
import { writeTrx } from './storage/trx.ts';

export interface RestoreRequest {
  /** The backup, from `cwd`. */
  file: string;
  /** The values of --book and --config. */
  book?: string | undefined;
  config?: string | undefined;
  force: boolean;
  cwd: string;
  env: Environment;
  clock?: Clock;
  /** Asked before a live book, or one that is another book, is replaced; throws to stop. */
  confirm(message: string): Promise<void>;
}

export interface RestoredBook {
  book: string;
  bookId: string;
  mode: BookMode;
  from: string;
  /** ISO 8601; null where no manifest tells when the backup was taken. */
  takenAt: string | null;
  /** Whether a manifest was there to hold the file against. */
  verified: boolean;
  /** Where the book is that stood there before. */
  keptAside: string | null;
  migratedFrom: number | null;
  quarantined: boolean;
}

export async function restoreBook(request: RestoreRequest): Promise<RestoredBook> {
  const { cwd, env, clock = systemClock } = request;
  const config = await loadConfig({ flag: request.config, cwd, env });
  const target = resolveBookUrl(config, { flag: request.book, cwd, env });
  refuseUrl(target);
  const author = authorOf('db restore', actorOf(env, config));
  const source = resolve(cwd, request.file);
  const manifest = await readManifest(source, target);
  const isThere = await bookExists(target);
  if (isThere && !request.force) throw exists(target);
  const { staged, sha256 } = await stageBeside(source, target).catch((error: unknown) => {
    throw unreadable(source, target, error);
  });
  try {
    if (manifest !== null && manifest.sha256 !== sha256) throw notAsCopied(source);
    const backup = await examine(staged, source);
    const old = isThere ? await standing(target, clock) : null;
    await confirmReplacing(request, target, backup, old);
    const mark = await new Mark(stateFolder(env), backup.bookId).highest();
    const isCurrent =
      old?.bookId === backup.bookId && old.openSequence === backup.openSequence && mark <= backup.openSequence;
    const nowMs = clock.nowMs();
    const aside = isThere ? `${target}.before-restore-${fileTime(nowMs)}` : null;
    const reason =
      manifest === null ? `restored from ${basename(source)}` : `restored from a backup taken at ${manifest.at}`;
    await prepare(staged, clock, author, {
      quarantine: isCurrent ? null : { since: nowMs, reason, mark: Math.max(mark, backup.openSequence) },
      facts: {
        file: source,
        sha256,
        takenAt: manifest?.at ?? null,
        replaced: old === null ? null : { ...old },
        keptAside: aside,
      },
    });
    await replaceBook(staged, target, aside, busyTimeoutOf(env), async (db) => {
      const now = db === null ? null : await identify(db as Db);
      if (now !== null && now.openSequence !== old?.openSequence) throw changedMeanwhile(target);
    }).catch((error: unknown) => {
      throw error instanceof BursarError ? error : unreadable(source, target, error);
    });
    return {
      book: target,
      bookId: backup.bookId,
      mode: backup.mode,
      from: source,
      takenAt: manifest?.at ?? null,
      verified: manifest !== null,
      keptAside: aside,
      migratedFrom: backup.schemaVersion === programVersion ? null : backup.schemaVersion,
      quarantined: !isCurrent,
    };
  } finally {
    await removeStaged(staged);
  }
}

async function readManifest(source: string, target: string): Promise<BackupManifest | null> {
  const found = await stat(source).catch(() => null);
  if (found === null) {
    throw new BursarError('not_found', `There is no file ${source}. Nothing was restored.`, {
      hint: 'Name a file that bursar db backup made.',
    });
  }
  if (!found.isFile() || source === target) {
    const why = source === target ? 'is the book itself' : 'is not a file';
    throw new BursarError('invalid_value', `${source} ${why}. Nothing was restored.`, {
      hint: 'Name a file that bursar db backup made.',
    });
  }
  const text = await readFile(manifestPath(source), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw unreadable(manifestPath(source), target, error);
  });
  if (text === null) return null;
  try {
    const manifest = JSON.parse(text) as Partial<BackupManifest> | null;
    if (
      manifest?.schema === 'bursar.backup/1' &&
      typeof manifest.sha256 === 'string' &&
      typeof manifest.at === 'string'
    )
      return manifest as BackupManifest;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new BursarError('corrupt_file', `${manifestPath(source)} is not a manifest. Nothing was restored.`, {
    hint: 'Remove it only if you know why: then the backup is checked without it.',
  });
}

/** The copy has to be a sound book that this program knows. */
async function examine(staged: string, source: string): Promise<BookIdentity> {
  try {
    const book = await openBook(staged, { allowOlder: true });
    try {
      const [problem] = await integrityProblems(book.reader, true, 1);
      const [dangling] = await danglingRows(book.reader, 1);
      if (problem === undefined && dangling === undefined) return await identify(book.reader);
      throw new BursarError(
        'corrupt_book',
        `The backup ${source} is damaged: ${problem ?? `a row of ${dangling?.table} points to nothing`}. Nothing was restored.`,
        { hint: 'Take another backup, and keep this one.' },
      );
    } finally {
      await book.close();
    }
  } catch (error) {
    if (!(error instanceof BursarError) || !error.message.includes(staged)) throw error;
    const message =
      error.code === 'corrupt_book'
        ? `The backup ${source} is damaged, or no book at all. Nothing was restored.`
        : error.message.replaceAll(staged, source);
    throw new BursarError(error.code, message, { hint: 'Take another backup.', cause: error });
  }
}

/** The book that stands there, or `null` where it can't be read. BursarError `lease_held` while someone works on it. */
async function standing(target: string, clock: Clock): Promise<BookIdentity | null> {
  const db = openSqlite(target, 'read', 1_000);
  try {
    const identity = await identify(db);
    const [worker] = await livingOwners(db, clock.nowMs());
    if (worker === undefined) return identity;
    throw new BursarError(
      'lease_held',
      `bursar ${worker.command} is at work on ${target} (process ${worker.pid}). Nothing was restored.`,
      { hint: 'Wait for it to end, and stop what starts new ones, then run this again.' },
    );
  } catch (error) {
    const translated = translateStorageError(error, target);
    if (translated instanceof BursarError && LEAVE_ALONE.includes(translated.code)) throw translated;
    // Damaged, empty, or no book at all: that is what a restore is for, and the file is kept aside.
    return null;
  } finally {
    await db.destroy();
  }
}

const LEAVE_ALONE: readonly ErrorCode[] = ['lease_held', 'book_locked', 'book_unreachable'];

async function confirmReplacing(
  { confirm }: RestoreRequest,
  target: string,
  backup: BookIdentity,
  old: BookIdentity | null,
): Promise<void> {
  if (old !== null && (old.bookId !== backup.bookId || old.mode !== backup.mode)) {
    await confirm(
      `Replace the ${old.mode} book ${old.bookId} at ${target} by another book, the ${backup.mode} book ${backup.bookId}?`,
    );
  } else if (backup.mode === 'live') await confirm(`Put a backup in the place of the live book ${target}?`);
}

interface Preparation {
  quarantine: Quarantine | null;
  facts: Record<string, Told>;
}

/** Brings the copy to this program's schema, puts it into quarantine, and has it say where it came from. */
async function prepare(
  staged: string,
  clock: Clock,
  author: Author,
  { quarantine, facts }: Preparation,
): Promise<void> {
  const book = await openBook(staged, { allowOlder: true });
  try {
    const migrations = book.schemaVersion === programVersion ? [] : await migrateBook(book.db);
    await writeTrx(book, async (trx) => {
      if (quarantine !== null) await beginQuarantine(trx, quarantine);
      await appendAudit(trx, author, clock.nowMs(), [
        {
          subject: 'book',
          action: 'book.restore',
          before: { replaced: facts.replaced },
          after: { ...facts, replaced: undefined, migrations, quarantined: quarantine !== null },
          result: 'restored',
          reason: quarantine?.reason ?? null,
        },
      ]);
    });
    await sealPending(book, clock);
  } finally {
    await book.close();
  }
}

function exists(target: string): BursarError {
  return new BursarError('output_exists', `There is a book at ${target} already. Nothing was restored.`, {
    hint: 'Replace it with --force: it is kept aside under another name.',
  });
}

function notAsCopied(source: string): BursarError {
  return new BursarError(
    'corrupt_file',
    `${source} is not as its manifest says (another SHA-256). Nothing was restored.`,
    { hint: 'Take another backup, or the manifest that belongs to this one.' },
  );
}

function changedMeanwhile(target: string): BursarError {
  return new BursarError('book_locked', `${target} was used by another process meanwhile. Nothing was restored.`, {
    hint: 'Stop what starts new commands on it, then run this again.',
  });
}

function unreadable(source: string, target: string, error: unknown): BursarError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  return new BursarError('book_unreachable', `${source} can't be put at ${target} (${code}). Nothing was restored.`, {
    hint: 'Check that you may read the backup, and write in the folder of the book.',
    cause: error,
  });
}
