// Runs that meet each other, the kill switch, and an operator's Ctrl-C: real processes on one book.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { assertExactlyOnce, rowsOf, runToTheEnd } from '../support/bank-judge.ts';
import { type BillingBook, makeBillingBook } from '../support/billing-book.ts';
import { BIN, cliEnvironment, runCli } from '../support/cli.ts';

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A run that is at it for a while when it sends one at a time. */
const SLOWLY = ['--concurrency', '1'];

function startRun(book: BillingBook, more: readonly string[] = []): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [BIN, 'billing', 'run', '--as-of', book.asOf, '--json', ...more], {
    cwd: book.folder,
    env: cliEnvironment(book.folder),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
  return { child, ended };
}

async function untilSettled(book: BillingBook, count: number): Promise<number> {
  for (;;) {
    const [row] = await rowsOf<{ n: number }>(
      book.path,
      'SELECT COUNT(*) AS n FROM attempts WHERE settled_at IS NOT NULL',
    );
    if ((row?.n ?? 0) >= count) return row?.n ?? 0;
    await delay(20);
  }
}

const unsent = (book: BillingBook): Promise<{ n: number }[]> =>
  rowsOf(book.path, `SELECT COUNT(*) AS n FROM charges WHERE status = 'pending'`);

describe('runs on one book', () => {
  let folder = '';
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('share the dispatch when they overlap: one charge a period, and each period once', async () => {
    folder = await mkdtemp(join(tmpdir(), 'bursar-overlap-'));
    const book = await makeBillingBook(folder, 150);
    const runs = await Promise.all(Array.from({ length: 4 }, () => startRun(book).ended));
    for (const { code, stderr } of runs) expect([0, 4], stderr).toContain(code);
    const due = runs.map(({ stdout }) => (JSON.parse(stdout) as { counts: { due: number } }).counts.due);
    // Blocked methods aside, every charge was taken by exactly one of them; a retry within the run may be another's.
    expect(due.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(book.periods);
    await runToTheEnd(book);
    await assertExactlyOnce(book);
  });

  it('stop at the kill switch: nothing is sent after it, and the next run goes on cleanly', async () => {
    folder = await mkdtemp(join(tmpdir(), 'bursar-pause-'));
    const book = await makeBillingBook(folder, 400);
    const run = startRun(book, SLOWLY);
    await untilSettled(book, 20);
    const paused = await runCli(['pause', '--reason', 'double charges reported'], { cwd: folder });
    expect(paused.code, paused.stderr).toBe(0);
    const { code, stdout } = await run.ended;
    expect(code).toBe(8);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'stopped', stoppedBy: 'paused' });
    const listed = await rowsOf(book.bankPath, 'SELECT * FROM executed');
    const again = await runCli(['billing', 'run', '--as-of', book.asOf], { cwd: folder });
    expect(again.code).toBe(8);
    expect(await rowsOf(book.bankPath, 'SELECT * FROM executed')).toEqual(listed);
    expect((await unsent(book))[0]?.n).toBeGreaterThan(0);
    expect((await runCli(['resume', '--reason', 'false alarm'], { cwd: folder })).code).toBe(0);
    await runToTheEnd(book);
    await assertExactlyOnce(book);
  });

  it('end at a safe point on Ctrl-C, with 130, and say how to go on', async () => {
    folder = await mkdtemp(join(tmpdir(), 'bursar-interrupt-'));
    const book = await makeBillingBook(folder, 400);
    const run = startRun(book, SLOWLY);
    await untilSettled(book, 20);
    run.child.kill('SIGINT');
    const { code, stdout, stderr } = await run.ended;
    expect(code, stderr).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'interrupted',
      stoppedBy: 'interrupted',
      error: { code: 'interrupted' },
    });
    expect(await rowsOf(book.path, 'SELECT id FROM attempts WHERE outcome IS NULL')).toEqual([]);
    expect((await unsent(book))[0]?.n).toBeGreaterThan(0);
    await runToTheEnd(book);
    await assertExactlyOnce(book);
  });
});
