// What `bursar db backup` does: a checked copy of the book, a manifest beside it, and an audit row in the book. Beside
// app.ts, since storage knows nothing of the audit log.
import { basename, dirname, join, resolve } from 'node:path';
import { schemaVersion as programVersion } from '../migrations/versions.ts';
import type { App } from './app.ts';
import { appendAudit } from './audit/audit.ts';
import { lastSeal } from './audit/audit-store.ts';
import { type Head, toHead } from './audit/head.ts';
import { assertBackupPlace, copyBook, writeBeside } from './storage/backup.ts';
import type { Db } from './storage/db.ts';
import { identify } from './storage/identity-store.ts';
import type { BookMode } from './storage/open.ts';
import { writeTrx } from './storage/trx.ts';

/** `bursar.backup/1`: what stands in the manifest beside a backup. */
export interface BackupManifest {
  schema: 'bursar.backup/1';
  /** The file's name, without its folder. */
  file: string;
  bytes: number;
  sha256: string;
  bookId: string;
  mode: BookMode;
  schemaVersion: number;
  /** How often the book had committed to send when it was copied. */
  openSequence: number;
  /** The newest seal of its audit log. */
  head: Head | null;
  /** ISO 8601, UTC: when the copy was begun. */
  at: string;
}

export const manifestPath = (backup: string): string => `${backup}.manifest.json`;

/** `out`: a path, or `null` for `book-<UTC time>.db` beside the book. */
export async function backUpBook(
  app: App,
  { out, force, cwd }: { out: string | null; force: boolean; cwd: string },
): Promise<{ path: string; manifest: BackupManifest }> {
  const { book, clock, author, config } = app;
  const atMs = clock.nowMs();
  const at = new Date(atMs).toISOString();
  const path = out === null ? join(dirname(book.where), `book-${fileTime(atMs)}.db`) : resolve(cwd, out);
  const own = [book.where, `${book.where}-wal`, `${book.where}-shm`, app.bankPath, config.path];
  await assertBackupPlace(
    path,
    force,
    own.flatMap((each) => each ?? []),
  );
  await assertBackupPlace(manifestPath(path), force, []);
  const { bytes, sha256, description } = await copyBook(book.where, path, force, async (db: Db) => {
    const seal = await lastSeal(db);
    return { ...(await identify(db)), head: seal === null ? null : toHead(seal) };
  });
  const { bookId, mode, schemaVersion, openSequence, head } = description;
  const manifest: BackupManifest = {
    schema: 'bursar.backup/1',
    file: basename(path),
    bytes,
    sha256,
    bookId,
    mode,
    schemaVersion,
    openSequence,
    head,
    at,
  };
  await writeBeside(manifestPath(path), `${JSON.stringify(manifest, null, 2)}\n`);
  // A book of an older schema is copied, never written to.
  if (book.schemaVersion === programVersion) {
    await writeTrx(book, (trx) =>
      appendAudit(trx, author, clock.nowMs(), [
        {
          subject: 'book',
          action: 'book.backup',
          after: { file: path, bytes, sha256, openSequence },
          result: 'copied',
        },
      ]),
    );
  }
  return { path, manifest };
}

/** `20270131T090000123Z`, for names of files. */
export function fileTime(timeMs: number): string {
  return new Date(timeMs).toISOString().replaceAll(/[-:.]/g, '');
}
