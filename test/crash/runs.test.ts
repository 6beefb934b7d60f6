// Runs that meet each other, and the kill switch: real processes on one book.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { assertExactlyOnce, runToTheEnd } from '../support/bank-judge.ts';
import { makeBillingBook } from '../support/billing-book.ts';
import { runCli } from '../support/cli.ts';
import { countOf, rowsOf } from '../support/rows.ts';
import { type Started, startRun, untilSettled } from '../support/started-run.ts';

const RUNS = 4;
const EACH_AT_ONCE = 2;
const OVERLAPPING = 50;
/** Between two starts: a machine that starts fifty programs at once does nothing else. */
const START_EVERY_MS = 150;

describe('runs on one book', () => {
  let folder = '';
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('fifty that overlap share the dispatch: one charge a period, and none of them fails', {
    timeout: 300_000,
  }, async () => {
    folder = await mkdtemp(join(tmpdir(), 'bursar-overlap-'));
    // A slow bank, and two at a time each: no run is through before most have joined.
    const book = await makeBillingBook(folder, 150, { gateway: { latencyMs: 300, timeoutMs: 3_000 } });
    const runs: Started[] = [];
    for (let index = 0; index < OVERLAPPING; index += 1) {
      runs.push(startRun(book, ['--concurrency', '2']));
      await delay(START_EVERY_MS);
    }
    const ended = await Promise.all(runs.map((run) => run.ended));
    for (const { code, stdout, stderr } of ended) expect([0, 4], stderr + stdout).toContain(code);
    const due = ended.map(({ stdout }) => (JSON.parse(stdout) as { counts: { due: number } }).counts.due);
    // Every charge was taken by one of them; a retry by another, or once more by none.
    expect(due.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(book.periods);
    expect(due.filter((count) => count > 0).length, 'the work was shared').toBeGreaterThan(OVERLAPPING / 5);
    await runToTheEnd(book);
    await assertExactlyOnce(book);
  });

  it('stop at the kill switch, all of them: nothing is sent after it, and the next run goes on cleanly', async () => {
    folder = await mkdtemp(join(tmpdir(), 'bursar-pause-'));
    const book = await makeBillingBook(folder, 400, { gateway: { latencyMs: 50 } });
    const runs = Array.from({ length: RUNS }, () => startRun(book, ['--concurrency', String(EACH_AT_ONCE)]));
    await untilSettled(book, 40);
    const paused = await runCli(['pause', '--reason', 'double charges reported'], { cwd: folder });
    expect(paused.code, paused.stderr).toBe(0);
    const ended = await Promise.all(runs.map((run) => run.ended));
    for (const { code, stdout, stderr } of ended) {
      expect(code, stderr).toBe(8);
      expect(JSON.parse(stdout)).toMatchObject({ status: 'stopped', stoppedBy: 'paused', error: { code: 'paused' } });
    }
    // Nothing that was opened after the pause was sent; by the bank's own clock, no more has arrived than was past its last check then.
    const [pause] = await rowsOf<{ since: number }>(book.path, 'SELECT since FROM pauses');
    expect(await countOf(book.path, `attempts WHERE opened_at > ${pause?.since} AND outcome = 'approved'`)).toBe(0);
    expect(await countOf(book.bankPath, `operations WHERE recorded_at > ${pause?.since}`)).toBeLessThanOrEqual(
      RUNS * EACH_AT_ONCE,
    );
    const arrived = await countOf(book.bankPath, 'operations');
    const again = await runCli(['billing', 'run', '--as-of', book.asOf], { cwd: folder });
    expect(again.code).toBe(8);
    expect(await countOf(book.bankPath, 'operations')).toBe(arrived);
    expect(await countOf(book.path, `charges WHERE status = 'pending'`)).toBeGreaterThan(0);
    expect((await runCli(['resume', '--reason', 'false alarm'], { cwd: folder })).code).toBe(0);
    await runToTheEnd(book);
    await assertExactlyOnce(book);
  });
});
