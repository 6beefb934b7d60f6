// How long a command takes from nothing, against Node doing nothing: what each cron job and each keystroke pays.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { BIN, bursar, run } from './child.ts';
import { alternate, report } from './rounds.ts';

const ROUNDS = 15;
/** This one, and those that BENCH_NODE names, divided as in PATH: from 22.8 on Node keeps what it has compiled. */
const NODES = [process.execPath, ...(process.env.BENCH_NODE?.split(delimiter) ?? [])];

export async function bench(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'bursar-bench-'));
  try {
    await makeBook(folder);
    let isMet = true;
    for (const node of NODES) isMet = (await benchOn(node, folder)) && isMet;
    return isMet;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function benchOn(node: string, folder: string): Promise<boolean> {
  const { stdout: version } = await run(node, ['--version']);
  console.log(`on Node ${version.trim()}`);
  // Bare: whatever is preloaded to measure would take its own time.
  const timing = async (...args: string[]): Promise<number> => (await run(node, args, { cwd: folder })).ms;
  const timed = await alternate(
    [
      { name: 'node -e 0', run: () => timing('-e', '0') },
      { name: 'bursar --version', run: () => timing(BIN, '--version'), goal: { atMost: 2.0 } },
      { name: 'bursar charges list', run: () => timing(BIN, 'charges', 'list'), goal: { atMost: 3.0 } },
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
