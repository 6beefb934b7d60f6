// How long a command takes from nothing, against Node doing nothing: what each cron job and each keystroke pays.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { BIN, bursar, run } from './child.ts';
import { alternate, type Goal, report } from './rounds.ts';

const ROUNDS = 15;
/** Named by BENCH_NODE, divided as in PATH: from 22.8 on Node keeps what it has compiled, and starts faster by itself. */
const OTHER_NODES = process.env.BENCH_NODE?.split(delimiter) ?? [];

export async function bench(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'bursar-bench-'));
  try {
    await makeBook(folder);
    const isMet = await benchOn(process.execPath, folder, [{ atMost: 2.0 }, { atMost: 3.3 }]);
    for (const node of OTHER_NODES) await benchOn(node, folder, []);
    return isMet;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function benchOn(node: string, folder: string, [start, list]: readonly Goal[]): Promise<boolean> {
  const { stdout: version } = await run(node, ['--version']);
  console.log(`on Node ${version.trim()}`);
  // Bare: whatever is preloaded to measure would take its own time.
  const timing = async (...args: string[]): Promise<number> => (await run(node, args, { cwd: folder })).ms;
  const timed = await alternate(
    [
      { name: 'node -e 0', run: () => timing('-e', '0') },
      { name: 'bursar --version', run: () => timing(BIN, '--version'), ...(start && { goal: start }) },
      { name: 'bursar charges list', run: () => timing(BIN, 'charges', 'list'), ...(list && { goal: list }) },
    ],
    ROUNDS,
  );
  return report(timed);
}

const CHARGES = 20;

/** A small book, made as a user makes one. */
async function makeBook(cwd: string): Promise<void> {
  await bursar(['init', '--book', './book.db', '--mode', 'test'], { cwd });
  const made = await bursar(['customers', 'create', '--name', 'Ada Lovelace', '--json'], { cwd });
  const { id } = JSON.parse(made.stdout) as { id: string };
  await bursar(['methods', 'add', '--customer', id, '--gateway', 'simulated', '--token', 'tok_approved'], { cwd });
  for (let charge = 0; charge < CHARGES; charge += 1) {
    await bursar(['charges', 'create', '--customer', id, '--amount', '12.50', '--currency', 'USD'], { cwd });
  }
}
