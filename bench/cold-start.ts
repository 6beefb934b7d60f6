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
    const candidates: (Candidate & { goal: number | null })[] = [
      { name: 'node -e 0', goal: null, run: () => runNode(['-e', '0']) },
      { name: 'bursar --version', goal: GOALS.version, run: () => runNode([BIN, '--version']) },
    ];
    if (makeBook(folder)) {
      const run = (): void => runNode([BIN, 'charges', 'list'], { cwd: folder });
      candidates.push({ name: 'bursar charges list', goal: GOALS.list, run });
    } else console.log('charges list: skipped, since a book could not be made with this build.');
    const timed = alternate(candidates, ROUNDS);
    for (const [index, row] of timed.entries()) console.log(formatTimed(row, candidates[index]?.goal ?? null));
    return timed.every((row, index) => row.ratio <= (candidates[index]?.goal ?? Number.POSITIVE_INFINITY));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// A small book, made as a user makes one.
function makeBook(cwd: string): boolean {
  const steps = [
    ['init', '--mode', 'test', '--yes'],
    ['charges', 'list'],
  ];
  return steps.every((args) => spawnSync(process.execPath, [BIN, ...args], { cwd, stdio: 'ignore' }).status === 0);
}
