// What it takes to check a book of so many charges with all that belongs to them (1.2 attempts, 3.4 audit rows each), and
// an export of it, against a plain scan of the same rows: the bare driver hands over every column of every row, page by
// page.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildBigBook } from './big-book.ts';
import { bursar, type Ran, runNode } from './child.ts';
import { alternate, type Candidate, report, reportLimit } from './rounds.ts';

const CHARGES = Number(process.env.BENCH_CHARGES ?? 1_000_000);
const ROUNDS = 5;
const SCAN = fileURLToPath(new URL('./bare-scan.mjs', import.meta.url));
const GOAL = { atMost: 10 };

const AUDIT = ['audit_rows', 'seal_members', 'seals'];
/** All that `ledger check` compares; events, which it doesn't, are left out. */
const LEDGER = ['charges', 'attempts', 'refunds', 'journal_entries', 'postings', 'accounts', ...AUDIT];

export async function bench(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'bursar-bench-'));
  const book = join(folder, 'book.db');
  const file = join(folder, 'audit.csv');
  const peaks = new Map<string, number>();
  const candidate = (name: string, start: () => Promise<Ran>, goal?: Candidate['goal']): Candidate => ({
    name,
    run: async () => {
      const { ms, peakMb } = await start();
      peaks.set(name, Math.max(peaks.get(name) ?? 0, peakMb));
      return ms;
    },
    ...(goal === undefined ? {} : { goal }),
  });
  const command = (...words: string[]): Candidate =>
    candidate(words.filter((word) => !word.includes('/') && word !== '--book').join(' '), () => bursar(words), GOAL);
  try {
    await buildBigBook(book, { charges: CHARGES, hashes: true });
    await bursar(['audit', 'export', '--book', book, '--out', file]);
    const audit = await alternate(
      [
        candidate('scan of the audit log', () => runNode([SCAN, book, ...AUDIT])),
        command('audit', 'verify', '--book', book),
        command('audit', 'verify', '--file', file),
      ],
      ROUNDS,
    );
    const ledger = await alternate(
      [
        candidate('scan of the whole ledger', () => runNode([SCAN, book, ...LEDGER])),
        command('ledger', 'check', '--book', book),
      ],
      ROUNDS,
    );
    const isQuick = [report(audit, CHARGES), report(ledger, CHARGES)].every(Boolean);
    const isSmall = [...peaks]
      .filter(([name]) => !name.startsWith('scan'))
      .map(([name, peakMb]) => reportLimit(`memory: ${name}`, peakMb, 'MB', 200));
    return isQuick && isSmall.every(Boolean);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
