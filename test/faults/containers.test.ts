// Containers that share a boot id and a host name, each with a pid namespace of its own in which the command is process 1:
// what can't be seen is not taken for dead, and a process of the same number is not taken for another.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runToTheEnd } from '../support/bank-judge.ts';
import { type BillingBook, makeBillingBook } from '../support/billing-book.ts';
import { runCli } from '../support/cli.ts';
import { execute, rowsOf } from '../support/rows.ts';
import { innerPid, startCli, untilInHand } from '../support/running-cli.ts';
import { judge } from '../support/single-charge.ts';

/** As root a pid namespace is to be had; others need a user namespace around it. */
const CONTAINER = [
  'unshare',
  ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']),
  ...['--pid', '--fork', '--kill-child', '--mount-proc'],
];

let folder: string;
let book: BillingBook;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bursar-containers-'));
  book = await makeBillingBook(folder, 40, { tokens: ['tok_approved'] });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const run = (...more: string[]) => ['billing', 'run', '--as-of', book.asOf, '--json', ...more];
const inHand = () =>
  rowsOf<{ id: string; owner_id: string; epoch: number }>(
    book.path,
    'SELECT id, owner_id, epoch FROM attempts WHERE outcome IS NULL ORDER BY id',
  );
const owners = () =>
  rowsOf<{ id: string; host: string; pid_namespace: string; pid: number }>(
    book.path,
    'SELECT id, host, pid_namespace, pid FROM owners',
  );

test('a living process of another container is not taken for dead, nor for oneself', async () => {
  const first = startCli(run('--concurrency', '1'), folder, CONTAINER);
  await untilInHand(first, book.path, 5);
  const pid = await innerPid(first);
  process.kill(pid, 'SIGSTOP');
  await delay(200);
  const held = await inHand();
  expect(held.length).toBeGreaterThan(5);

  const second = startCli(run(), folder, CONTAINER);
  for (;;) {
    const rows = await owners();
    if (rows.length === 2) {
      // Nothing but the namespace tells them apart.
      expect(new Set(rows.map((row) => row.host)).size).toBe(1);
      expect(rows.map((row) => row.pid)).toEqual([1, 1]);
      expect(new Set(rows.map((row) => row.pid_namespace)).size).toBe(2);
      break;
    }
    expect(second.child.exitCode).toBeNull();
    await delay(10);
  }
  const { code, stderr } = await second.ended;
  expect([0, 4], stderr).toContain(code);
  expect(await inHand()).toEqual(held);

  process.kill(pid, 'SIGCONT');
  const ended = await first.ended;
  expect([0, 4], ended.stderr).toContain(ended.code);
  await runToTheEnd(book);
  expect((await judge(book)).captures).toBe(book.periods);
});

test('a killed one is taken over when its lease is up, and not before', async () => {
  const first = startCli(run('--concurrency', '1'), folder, CONTAINER);
  await untilInHand(first, book.path, 5);
  process.kill(await innerPid(first), 'SIGKILL');
  await first.ended;
  const held = await inHand();
  expect(held.length).toBeGreaterThan(5);

  // From outside; a new container may get the number of the namespace that has ended, and sees at once that it has.
  const early = await runCli(run(), { cwd: folder });
  expect([0, 4], early.stderr).toContain(early.code);
  expect(await inHand()).toEqual(held);

  await execute(book.path, `UPDATE owners SET expires_at = expires_at - 60000 WHERE id = '${held[0]?.owner_id}'`);
  const late = await runCli(run(), { cwd: folder });
  expect([0, 4], late.stderr).toContain(late.code);
  expect(await inHand()).toEqual([]);
  await runToTheEnd(book);
  expect((await judge(book)).captures).toBe(book.periods);
});
