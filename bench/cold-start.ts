// How long a command takes from nothing, against Node doing nothing: what each cron job and each keystroke pays.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BIN, bursar, type Ran, run } from './child.ts';
import { alternate, report } from './rounds.ts';

const ROUNDS = 15;

export async function bench(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'bursar-bench-'));
  try {
    await makeBook(folder);
    // Bare: whatever is preloaded to measure would take its own time.
    const node = (...args: string[]): Promise<Ran> => run(process.execPath, args, { cwd: folder });
    const timed = await alternate(
      [
        { name: 'node -e 0', run: async () => (await node('-e', '0')).ms },
        { name: 'bursar --version', run: async () => (await node(BIN, '--version')).ms, goal: { atMost: 2.0 } },
        {
          name: 'bursar charges list',
          run: async () => (await node(BIN, 'charges', 'list')).ms,
          goal: { atMost: 3.3 },
        },
      ],
      ROUNDS,
    );
    return report(timed);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
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
