// A run that is suspended for longer than its lease, with another in between: the same attempts go on under the same keys,
// and the one that wakes up sends nothing more under what it has lost. One of these waits a minute, as a lease does.
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LEASE_MS } from '../../src/storage/lease.ts';
import { runToTheEnd } from '../support/bank-judge.ts';
import { type BillingBook, makeBillingBook } from '../support/billing-book.ts';
import { runCli } from '../support/cli.ts';
import { isFree, rowsOf } from '../support/rows.ts';
import { startCli, untilInHand } from '../support/running-cli.ts';
import { judge } from '../support/single-charge.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bursar-lease-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const runOf = (book: BillingBook, ...more: string[]) => ['billing', 'run', '--as-of', book.asOf, '--json', ...more];

interface AttemptRow {
  id: string;
  charge_id: string;
  idempotency_key: string;
  owner_id: string | null;
  epoch: number;
  sends: number;
}

const attemptsInHand = (book: BillingBook): Promise<AttemptRow[]> =>
  rowsOf(
    book.path,
    `SELECT id, charge_id, idempotency_key, owner_id, epoch, sends FROM attempts WHERE outcome IS NULL ORDER BY id`,
  );

async function expectOneAttemptEach(book: BillingBook): Promise<void> {
  const { statuses, captures } = await judge(book);
  expect([statuses.length, captures]).toEqual([book.periods, book.periods]);
  const [row] = await rowsOf<{ attempts: number; charges: number; keys: number }>(
    book.path,
    `SELECT COUNT(*) AS attempts, COUNT(DISTINCT charge_id) AS charges, COUNT(DISTINCT idempotency_key) AS keys FROM attempts`,
  );
  expect(row).toEqual({ attempts: book.periods, charges: book.periods, keys: book.periods });
}

/** Stops the process while it holds no lock of the book's or the bank's, which would stop everybody. Gives the time. */
async function suspend(child: ChildProcess, book: BillingBook): Promise<number> {
  for (;;) {
    child.kill('SIGSTOP');
    const stoppedAt = Date.now();
    await delay(200);
    if ((await isFree(book.path)) && (await isFree(book.bankPath))) return stoppedAt;
    child.kill('SIGCONT');
    await delay(20);
  }
}

describe.concurrent('a run that does not go on', () => {
  test('suspended past its lease: the same attempts are continued by another, and it sends nothing when it wakes', {
    timeout: 180_000,
  }, async () => {
    const book = await makeBillingBook(join(folder, 'stopped'), 60, {
      tokens: ['tok_approved'],
      gateway: { latencyMs: 50 },
    });
    const stopped = startCli(runOf(book, '--concurrency', '1'), book.folder);
    await untilInHand(stopped, book.path, 5);
    const stoppedAt = await suspend(stopped.child, book);
    const held = await attemptsInHand(book);
    expect(held.length).toBeGreaterThan(10);

    // While the lease lasts, what it holds is left alone; the rest is shared out.
    const meanwhile = await runCli(runOf(book), { cwd: book.folder });
    expect([0, 4], meanwhile.stderr).toContain(meanwhile.code);
    expect(await attemptsInHand(book)).toEqual(held);

    await delay(Math.max(0, LEASE_MS + 2_000 - (Date.now() - stoppedAt)));
    const takeover = await runCli(runOf(book), { cwd: book.folder });
    expect([0, 4], takeover.stderr).toContain(takeover.code);
    expect(await attemptsInHand(book)).toEqual([]);
    const ids = JSON.stringify(held.map(({ id }) => id));
    const continued = await rowsOf<AttemptRow>(
      book.path,
      `SELECT id, charge_id, idempotency_key, owner_id, epoch, sends FROM attempts
          WHERE id IN (SELECT value FROM json_each('${ids}')) ORDER BY id`,
    );
    expect(continued.map(({ id, idempotency_key }) => [id, idempotency_key])).toEqual(
      held.map(({ id, idempotency_key }) => [id, idempotency_key]),
    );
    for (const [index, { epoch }] of continued.entries()) expect(epoch).toBeGreaterThan(held[index]?.epoch ?? 0);
    const before = await rowsOf(book.bankPath, 'SELECT * FROM operations ORDER BY idempotency_key');

    stopped.child.kill('SIGCONT');
    const { code, stdout, stderr } = await stopped.ended;
    expect([0, 4], stdout + stderr).toContain(code);
    expect(JSON.parse(stdout)).toMatchObject({ schema: 'bursar.run/1' });
    // Nothing reached the bank but what was on its way when it was stopped, which has a record by its key already.
    expect(await rowsOf(book.bankPath, 'SELECT * FROM operations ORDER BY idempotency_key')).toEqual(before);
    await runToTheEnd(book);
    await expectOneAttemptEach(book);
  });

  test('killed: what it held is taken over at once, under the same keys', async () => {
    const book = await makeBillingBook(join(folder, 'killed'), 30, { tokens: ['tok_approved'] });
    const killed = startCli(runOf(book, '--concurrency', '1'), book.folder);
    await untilInHand(killed, book.path, 5);
    killed.child.kill('SIGKILL');
    await killed.ended;
    const held = await attemptsInHand(book);
    expect(held.length).toBeGreaterThan(5);
    const next = await runCli(runOf(book), { cwd: book.folder });
    expect([0, 4], next.stderr).toContain(next.code);
    expect(await attemptsInHand(book)).toEqual([]);
    await runToTheEnd(book);
    await expectOneAttemptEach(book);
  });
});
