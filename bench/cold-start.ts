// How long a command takes from nothing, against Node doing nothing: what each cron job and each keystroke pays.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { alternate, type Candidate, formatTimed, runNode } from './rounds.ts';

const BIN = fileURLToPath(new URL('../bin/run.js', import.meta.url));
const ROUNDS = 15;
const GOALS = { version: 2.0, list: 3.3 };

/** Prints the table; false when a goal is missed. */
export function benchColdStart(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'bursar-bench-'));
  try {
    makeBook(folder);
    const candidates: (Candidate & { goal: number | null })[] = [
      { name: 'node -e 0', goal: null, run: () => runNode(['-e', '0']) },
      { name: 'bursar --version', goal: GOALS.version, run: () => runNode([BIN, '--version']) },
      { name: 'bursar charges list', goal: GOALS.list, run: () => runNode([BIN, 'charges', 'list'], { cwd: folder }) },
    ];
    const timed = alternate(candidates, ROUNDS);
    for (const [index, row] of timed.entries()) console.log(formatTimed(row, candidates[index]?.goal ?? null));
    return timed.every((row, index) => row.ratio <= (candidates[index]?.goal ?? Number.POSITIVE_INFINITY));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const CHARGES = 20;

/** A small book, made as a user makes one. */
function makeBook(cwd: string): void {
  const bursar = (...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, ...args], { cwd, encoding: 'utf8' });
    if (status !== 0) throw new Error(`bursar ${args.join(' ')} ended with ${status}: ${stderr}`);
    return stdout;
  };
  bursar('init', '--book', './book.db', '--mode', 'test');
  const { id } = JSON.parse(bursar('customers', 'create', '--name', 'Ada Lovelace', '--json')) as { id: string };
  bursar('methods', 'add', '--customer', id, '--gateway', 'simulated', '--token', 'tok_approved');
  for (let charge = 0; charge < CHARGES; charge += 1) {
    bursar('charges', 'create', '--customer', id, '--amount', '12.50', '--currency', 'USD');
  }
}
