// What a provider may do in the middle of a run to everybody: take no more than so many a second, or refuse our
// credentials. The run slows down, or stops; no attempt is burnt.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { assertExactlyOnce } from '../support/bank-judge.ts';
import { makeBillingBook } from '../support/billing-book.ts';
import { runCli } from '../support/cli.ts';
import { execute, rowsOf } from '../support/rows.ts';
import { startRun, untilSettled } from '../support/started-run.ts';

describe('in the middle of a run', () => {
  let folder = '';
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('429: the run keeps to the rate, and every charge is collected with its first attempt', async () => {
    folder = await mkdtemp(join(tmpdir(), 'bursar-rate-'));
    const limit = 60;
    const gateway = { rateLimitPerSecond: limit, latencyMs: 5, timeoutMs: 10_000 };
    const book = await makeBillingBook(folder, 120, { tokens: ['tok_approved'], gateway });
    const startedAt = performance.now();
    const { code, stdout, stderr } = await startRun(book).ended;
    const seconds = (performance.now() - startedAt) / 1_000;
    expect(code, stderr + stdout).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'finished',
      counts: { due: book.periods, approved: book.periods, rejected: 0, unknown: 0 },
    });
    // The bank's bucket holds one second's worth; what is above it has come at the rate.
    expect(seconds).toBeGreaterThan((book.periods - limit) / limit);
    expect(await rowsOf(book.path, 'SELECT outcome, COUNT(*) AS n FROM attempts GROUP BY outcome')).toEqual([
      { outcome: 'approved', n: book.periods },
    ]);
    await assertExactlyOnce(book);
  });

  it('401: the run stops with 7, nothing counts against a customer, and the next run goes on', async () => {
    folder = await mkdtemp(join(tmpdir(), 'bursar-credentials-'));
    const book = await makeBillingBook(folder, 150, { tokens: ['tok_approved'], gateway: { timeoutMs: 10_000 } });
    const run = startRun(book, ['--concurrency', '2']);
    await untilSettled(book, 20);
    await execute(book.bankPath, `INSERT INTO switches (name) VALUES ('refuse_credentials')`);
    const { code, stdout, stderr } = await run.ended;
    expect(code, stderr + stdout).toBe(7);
    expect(JSON.parse(stdout)).toMatchObject({
      status: 'stopped',
      stoppedBy: 'configuration',
      error: { code: 'gateway_refused' },
    });
    const charges = await rowsOf<{ status: string; n: number }>(
      book.path,
      `SELECT status, SUM(soft_declines + transport_failures) AS counted, COUNT(*) AS n FROM charges GROUP BY status ORDER BY status`,
    );
    expect(charges).toMatchObject([
      { status: 'captured', counted: 0 },
      { status: 'pending', counted: 0 },
    ]);
    // The next run meets the same, and stops as soon.
    const listed = await rowsOf(book.bankPath, 'SELECT * FROM executed');
    const refused = await startRun(book, ['--concurrency', '2']).ended;
    expect(refused.code).toBe(7);
    expect(await rowsOf(book.bankPath, 'SELECT * FROM executed')).toEqual(listed);
    await execute(book.bankPath, 'DELETE FROM switches');
    const repaired = await runCli(['billing', 'run', '--as-of', book.asOf, '--json'], { cwd: folder });
    expect(repaired.code, repaired.stderr + repaired.stdout).toBe(0);
    await assertExactlyOnce(book);
  });
});
