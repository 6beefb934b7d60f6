// Importing schedules, as a whole process into a fresh book, against the sqlite3 program that takes the same file into one
// plain table with durable settings. The goal is held against a file whose customers and methods are in the book; one that
// brings them along makes three times the rows, and is printed beside it.
// BENCH_ROWS: how many schedules the large round has (default 1,000,000; 0 for none). The rounds that alternate have 100,000.
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bursar, run } from './child.ts';
import { makeBook, writeKnownCustomers, writeNewCustomers } from './import-book.ts';
import { alternate, report, reportLimit } from './rounds.ts';

const SMALL_ROWS = Number(process.env.BENCH_SMALL_ROWS ?? 100_000);
const LARGE_ROWS = Number(process.env.BENCH_ROWS ?? 1_000_000);
const ROUNDS = 5;
const GOAL = { atMost: 4 };
const MOST_MB = 250;

export async function bench(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'bursar-bench-'));
  try {
    const small = await measure(folder, SMALL_ROWS, ROUNDS);
    // One round: at this size a second one would tell no more than it takes.
    const large = LARGE_ROWS === 0 ? true : await measure(folder, LARGE_ROWS, 1);
    return small && large;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(folder: string, rows: number, rounds: number): Promise<boolean> {
  const place = (name: string): string => join(folder, name);
  // Those of the size before.
  for (const name of ['known.db', 'new.db']) remove(place(name));
  await writeKnownCustomers(place('known.csv'), await makeBook(place('known.db'), rows));
  await makeBook(place('new.db'), 0);
  await writeNewCustomers(place('new.csv'), rows);
  const peaks = { known: 0, new: 0 };

  const plainTable = async (file: string): Promise<number> => {
    remove(place('plain.db'));
    const settings = ['PRAGMA journal_mode=WAL', 'PRAGMA synchronous=FULL'];
    return (await run('sqlite3', [place('plain.db'), ...settings, `.import --csv ${place(file)} plain`])).ms;
  };
  const ours = async (kind: 'known' | 'new'): Promise<number> => {
    const args = ['schedules', 'import', place(`${kind}.csv`), '--book', place('book.db'), '--json'];
    const ran = await bursar(args, { cwd: folder });
    const { imported } = JSON.parse(ran.stdout) as { imported: number };
    if (imported !== rows) throw new Error(`${imported} of ${rows} rows were imported: ${ran.stderr}`);
    peaks[kind] = Math.max(peaks[kind], ran.peakMb);
    return ran.ms;
  };
  const freshBook = (kind: 'known' | 'new') => (): void => {
    remove(place('book.db'));
    copyFileSync(place(`${kind}.db`), place('book.db'));
  };

  console.log(`${rows.toLocaleString('en')} rows, ${rounds} ${rounds === 1 ? 'round' : 'rounds'}`);
  const candidates = [
    { name: '.import into a plain table', run: () => plainTable('known.csv') },
    { name: 'import, customers known', prepare: freshBook('known'), run: () => ours('known'), goal: GOAL },
    { name: 'import, customers new', prepare: freshBook('new'), run: () => ours('new') },
  ];
  const isFast = report(await alternate(candidates, rounds, rounds > 1 ? 1 : 0), rows);
  const isSmall = [
    reportLimit('memory, customers known', peaks.known, 'MB', MOST_MB),
    reportLimit('memory, customers new', peaks.new, 'MB', MOST_MB),
  ];
  return isFast && isSmall.every(Boolean);
}

function remove(book: string): void {
  for (const end of ['', '-wal', '-shm']) rmSync(`${book}${end}`, { force: true });
}
