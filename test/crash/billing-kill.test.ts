// The promise, under SIGKILL: a billing run over every kind of token is killed at random moments, again and again, and
// then run to its end. The bank's own listing is the judge. A failure keeps the folder and prints the seed.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type BillingBook, makeBillingBook } from '../support/billing-book.ts';
import { assertExactlyOnce, rowsOf, runToTheEnd } from '../support/bank-judge.ts';
import { BIN, cliEnvironment } from '../support/cli.ts';
import { chooseSeed, seeded } from '../support/seeded.ts';

const isSoak = process.env.BURSAR_SOAK === '1';
const BOOKS = 5;
const KILLS_PER_BOOK = isSoak ? 50 : 10;
/** Two due periods each: enough work that the last kill still meets some. */
const SCHEDULES = isSoak ? 5000 : 1000;

/** Starts a billing run, kills it `afterMs` into its work, and tells how many attempts it had in hand. */
async function killedRun(book: BillingBook, afterMs: number): Promise<number> {
  const runs = await countRuns(book);
  const child = spawn(process.execPath, [BIN, 'billing', 'run', '--as-of', book.asOf, '--json'], {
    cwd: book.folder,
    env: cliEnvironment(book.folder),
    stdio: 'ignore',
  });
  let running = true;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve())).then(() => {
    running = false;
  });
  // From the moment it has entered itself in the book, so that a busy machine's slow start doesn't eat the moments.
  while (running && (await countRuns(book)) === runs) await delay(10);
  await Promise.race([ended, delay(afterMs)]);
  child.kill('SIGKILL');
  await ended;
  const [row] = await rowsOf<{ n: number }>(
    book.path,
    `SELECT COUNT(*) AS n FROM attempts WHERE outcome IS NULL OR (outcome = 'unknown' AND owner_id IS NOT NULL)`,
  );
  return row?.n ?? 0;
}

async function countRuns(book: BillingBook): Promise<number> {
  const [row] = await rowsOf<{ n: number }>(book.path, 'SELECT COUNT(*) AS n FROM runs');
  return row?.n ?? 0;
}

describe('a billing run killed at random moments', () => {
  const seed = chooseSeed();
  const landed: number[] = [];

  it.each(Array.from({ length: BOOKS }, (_, index) => index))('book %i: money moved exactly once', async (index) => {
    const random = seeded(seed + index);
    const folder = await mkdtemp(join(tmpdir(), `bursar-crash-${index}-`));
    try {
      const book = await makeBillingBook(folder, SCHEDULES);
      for (let kill = 0; kill < KILLS_PER_BOOK; kill += 1) {
        landed.push(await killedRun(book, random() * 800));
      }
      await runToTheEnd(book);
      await assertExactlyOnce(book);
    } catch (error) {
      console.error(`seed ${seed}, book ${index}; the folder is kept: ${folder} (repeat with BURSAR_SEED=${seed})`);
      throw error;
    }
    await rm(folder, { recursive: true });
  });

  it('killed it with attempts open, mostly', () => {
    const withOpen = landed.filter((open) => open > 0).length;
    console.info(`seed ${seed}: ${landed.length} kills, ${withOpen} with attempts open, ${landed.reduce((sum, open) => sum + open, 0)} in all`);
    expect(withOpen).toBeGreaterThanOrEqual(landed.length / 2);
  });
});
