// What lists and exports keep in memory: 200,000 rows may take hardly more than 10,000.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildBigBook } from './big-book.ts';
import { bursar } from './child.ts';

const FEW = 10_000;
const MANY = 200_000;
const AT_MOST_MB = 200;
const GROWTH_AT_MOST = 1.15;

const TOPICS = ['charges', 'customers', 'methods', 'schedules', 'attempts', 'refunds', 'retries', 'audit'];
const LISTS = [...TOPICS.map((topic) => [topic, 'list']), ['ledger', 'entries']];

/** Every list that grows with the book, and the exports. csv and ndjson are written by what writes JSON: once is enough. */
const OUTPUTS = [
  ...LISTS.flatMap((words) => ['table', 'json'].map((format) => [...words, '--all', '--format', format])),
  ...['csv', 'ndjson'].map((format) => ['charges', 'list', '--all', '--format', format]),
  ['audit', 'export', '--format', 'csv'],
  ['audit', 'export', '--format', 'ndjson'],
];

/** Of each list, 10,000 and 200,000 rows or as near as a book of so many charges comes. BENCH_ROWS makes it smaller. */
export async function bench(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'bursar-bench-'));
  const many = Number(process.env.BENCH_ROWS ?? MANY);
  const few = Math.min(FEW, many / 20);
  try {
    const books = await Promise.all([few, many].map((rows) => bookOf(folder, rows)));
    let isMet = true;
    for (const words of OUTPUTS) {
      const peaks: number[] = [];
      for (const book of books) peaks.push(await peakOf(words, book, folder));
      isMet = reportPeaks(words.join(' '), peaks) && isMet;
    }
    return isMet;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function bookOf(folder: string, rows: number): Promise<string> {
  const path = join(folder, `book-${rows}.db`);
  // The lists of people are as long as that of charges.
  await buildBigBook(path, { charges: rows, customers: rows, hashes: true });
  return path;
}

async function peakOf(words: readonly string[], book: string, folder: string): Promise<number> {
  const file = join(folder, 'out');
  const isExport = words[1] === 'export';
  const { peakMb } = await bursar([...words, ...(isExport ? ['--out', file] : []), '--book', book], {
    cwd: folder,
    out: isExport ? join(folder, 'stdout') : file,
  });
  for (const written of [file, `${file}.manifest.json`, join(folder, 'stdout')]) {
    if (existsSync(written)) rmSync(written);
  }
  return peakMb;
}

function reportPeaks(name: string, [few = Number.NaN, many = Number.NaN]: readonly number[]): boolean {
  const met = few <= AT_MOST_MB && many <= few * GROWTH_AT_MOST;
  const goals = `(goals: at most ${AT_MOST_MB}, ${GROWTH_AT_MOST}x)`;
  const peaks = `${few.toFixed(0).padStart(5)} MB ${many.toFixed(0).padStart(5)} MB  ${(many / few).toFixed(2)}x`;
  console.log(`${name.padEnd(40)} ${peaks}  ${goals} ${met ? 'met' : 'MISSED'}`);
  return met;
}
