// Room where the book and the state directory are, and the size of the book and its write-ahead log. A disk that fills up
// stops every commit; a log that grows without end has a reader that never lets go.
import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Finding, Findings } from '../../audit/finding.ts';
import { stateFolder } from '../../config/state-folder.ts';
import { EXIT, type ExitCode } from '../../errors.ts';
import type { Diagnosis, Patient } from '../diagnosis.ts';
import { shellWord } from '../shell-word.ts';

const MB = 1_000_000;
/** With less, the next run may not get through; with a tenth of it, no commit is sure. */
const ENOUGH_BYTES = 500 * MB;
const TOO_LITTLE_BYTES = ENOUGH_BYTES / 10;
/** The log is moved into the book at 20,000 pages of 4 KB, about 80 MB; several times that means it can't be. */
const LARGE_WAL_BYTES = 512 * MB;

export interface DiskFigures {
  book: string;
  bookBytes: number;
  walBytes: number;
  /** Folders with what is free on their file systems for this user. */
  folders: { path: string; freeBytes: number }[];
}

export async function disk({ surroundings }: Patient): Promise<Diagnosis> {
  if (surroundings === undefined) return { checked: {}, findings: [], exitCode: EXIT.done, summary: 'not known here' };
  const { where, env } = surroundings;
  const folders = [dirname(where), stateFolder(env)];
  const figures: DiskFigures = {
    book: where,
    bookBytes: await sizeOf(where),
    walBytes: await sizeOf(`${where}-wal`),
    folders: await Promise.all(folders.map(async (path) => ({ path, freeBytes: await freeBytes(path) }))),
  };
  const findings = diskFindings(figures);
  const { bookBytes, walBytes } = figures;
  const free = Math.min(...figures.folders.map((folder) => folder.freeBytes));
  const exitCode: ExitCode = findings.some(({ severity }) => severity === 'error') ? EXIT.unavailable : EXIT.done;
  const summary = `the book has ${bytesText(bookBytes)}, its log ${bytesText(walBytes)}; ${bytesText(free)} free`;
  return { checked: { bookBytes, walBytes, freeBytes: free }, findings, exitCode, summary };
}

/** What these figures say: pure, so that a full disk needs no full disk to be tested. */
export function diskFindings({ book, walBytes, folders }: DiskFigures): Finding[] {
  const findings = new Findings();
  const told = new Set<number>();
  for (const { path, freeBytes } of folders) {
    // Both folders are mostly on one disk.
    if (freeBytes >= ENOUGH_BYTES || told.has(freeBytes)) continue;
    told.add(freeBytes);
    const isFull = freeBytes < TOO_LITTLE_BYTES;
    const message = `Only ${bytesText(freeBytes)} are free where ${path} is${isFull ? ': commits will fail' : ''}.`;
    findings.add('disk_low', path, message, `df -h ${shellWord(path)}`, isFull ? 'error' : 'warning');
  }
  if (walBytes > LARGE_WAL_BYTES) {
    const message = `The write-ahead log of the book has ${bytesText(walBytes)}: some process keeps it from being moved into the book.`;
    findings.add(
      'wal_large',
      `${book}-wal`,
      message,
      `ls -l ${shellWord(book)} ${shellWord(`${book}-wal`)}`,
      'warning',
    );
  }
  return findings.list();
}

const sizeOf = async (path: string): Promise<number> => (await stat(path).catch(() => null))?.size ?? 0;

/** Of the nearest folder that is there: it will be made there. */
async function freeBytes(path: string): Promise<number> {
  const found = await statfs(path).catch(() => null);
  if (found !== null) return found.bavail * found.bsize;
  return path === dirname(path) ? Number.MAX_SAFE_INTEGER : freeBytes(dirname(path));
}

const UNITS = ['bytes', 'KB', 'MB', 'GB', 'TB', 'PB'] as const;

/** `1.2 GB`, in powers of 1000 as disks are sold. */
export function bytesText(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit < UNITS.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}
