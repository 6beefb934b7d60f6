// Another process holds the write lock for longer than a writer waits: nothing is done, readers don't notice, and a run
// that is in the middle of its dispatch settles in the end.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runToTheEnd } from '../support/bank-judge.ts';
import { makeBillingBook } from '../support/billing-book.ts';
import { BIN, cliEnvironment, runCli } from '../support/cli.ts';
import { rowsOf } from '../support/rows.ts';
import { copyOf, judge, makeSingleChargeBook, type SingleChargeBook } from '../support/single-charge.ts';

const HOLDER = fileURLToPath(new URL('../support/hold-write-lock.mjs', import.meta.url));
let folder: string;
let single: SingleChargeBook;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bursar-locked-'));
  single = await makeSingleChargeBook(join(folder, 'single'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A process that has begun to write and not ended. */
async function holdLock(path: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [HOLDER, path], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

async function letGo(child: ChildProcess): Promise<void> {
  child.stdin?.end();
  if (child.exitCode === null) await once(child, 'exit');
}

test('a writer is refused with 6 and has done nothing; a reader is never blocked', async () => {
  const book = await copyOf(single, join(folder, 'writer'));
  const holder = await holdLock(book.path);
  const env = { BURSAR_BUSY_TIMEOUT_MS: '300' };
  for (const args of [book.create, ['billing', 'run', '--json'], ['pause', '--reason', 'x', '--json']]) {
    const { code, stdout } = await runCli(args, { cwd: book.folder, env });
    expect([code, JSON.parse(stdout)]).toMatchObject([
      6,
      {
        error: { code: 'book_locked', message: expect.stringMatching(/locked by another process\. Nothing more was/) },
      },
    ]);
  }
  for (const args of [['charges', 'list'], ['ledger', 'check'], ['doctor']]) {
    expect((await runCli(args, { cwd: book.folder, env })).code, args.join(' ')).toBe(0);
  }
  await letGo(holder);
  expect(await judge(book)).toEqual({ statuses: [], captures: 0 });
  expect((await runCli(book.create, { cwd: book.folder })).code).toBe(0);
});

test('a run in the middle of its dispatch settles once the lock is free', async () => {
  const book = await makeBillingBook(join(folder, 'run'), 100, { tokens: ['tok_approved'] });
  const args = [BIN, 'billing', 'run', '--as-of', book.asOf, '--json', '--concurrency', '2'];
  const child = spawn(process.execPath, args, {
    cwd: book.folder,
    env: cliEnvironment(book.folder, { BURSAR_BUSY_TIMEOUT_MS: '1500' }),
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  while (child.exitCode === null) {
    const [row] = await rowsOf<{ n: number }>(book.path, 'SELECT COUNT(*) AS n FROM attempts WHERE settled_at > 0');
    if ((row?.n ?? 0) >= 5) break;
    await delay(20);
  }
  const holder = await holdLock(book.path);
  // Longer than one writer's patience, shorter than what a settle may take in all.
  await delay(3_000);
  await letGo(holder);
  const [code] = await ended;
  expect([0, 4, 6]).toContain(code);
  expect(await rowsOf(book.path, 'SELECT id FROM attempts WHERE outcome IS NULL')).toEqual([]);
  await judge(book);
  await runToTheEnd(book);
  expect((await judge(book)).captures).toBe(book.periods);
});
