// The clock of the machine jumps, between runs and during them: no period is billed twice, and a jump back stops sending.
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { assertExactlyOnce, runToTheEnd } from '../support/bank-judge.ts';
import { type BillingBook, makeBillingBook } from '../support/billing-book.ts';
import { runCli } from '../support/cli.ts';
import { startRun, untilSettled } from '../support/one-run.ts';
import { rowsOf } from '../support/rows.ts';

/** One at a time, so that a run is at it for a while. */
const SLOWLY = ['--concurrency', '1'];

let book: BillingBook;
beforeEach(async () => {
  book = await makeBillingBook(await mkdtemp(join(tmpdir(), 'bursar-clock-')), 28);
  await setClock('+0');
});
afterEach(() => rm(book.folder, { recursive: true, force: true }));

const clockFile = (): string => join(book.folder, 'clock');
/** `+2d`, `-3y`: seen at once by every process that runs under `faked`. */
const setClock = (offset: string): Promise<void> => writeFile(clockFile(), `${offset}\n`);

/** https://github.com/wolfcw/libfaketime: the clock alone is faked, timers go on as they are. */
function faked(): Record<string, string> {
  // The program knows where its library is; Node has threads, so the one for several (-m).
  const library = spawnSync('faketime', ['-m', 'now', 'printenv', 'LD_PRELOAD'], { encoding: 'utf8' }).stdout?.trim();
  if (!library) throw new Error('faketime is not installed: npm run test installs it');
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: clockFile(),
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
}

const bursar = (...args: string[]) => runCli(args, { cwd: book.folder, env: faked() });
const bill = () => bursar('billing', 'run', '--as-of', book.asOf, '--json');
const executed = async (): Promise<number> => (await rowsOf(book.bankPath, 'SELECT 1 FROM executed')).length;

/** What the bank collected is what the book captured, each charge once, and each period is one charge. */
async function assertNothingTwice(): Promise<void> {
  const collected = await rowsOf<{ charge_id: string; n: number; amount: number }>(
    book.bankPath,
    `SELECT charge_id, COUNT(*) AS n, SUM(amount_minor) AS amount FROM executed WHERE operation = 'sale' GROUP BY 1 ORDER BY 1`,
  );
  expect(collected.filter(({ n }) => n > 1)).toEqual([]);
  const captured = await rowsOf<{ charge_id: string; amount: number }>(
    book.path,
    'SELECT id AS charge_id, captured_minor AS amount FROM charges WHERE captured_minor > 0 ORDER BY 1',
  );
  // A debit that was begun two days ahead settles when the bank's clock, which is ours, comes to it.
  const settling = await rowsOf<{ id: string }>(book.path, `SELECT id FROM charges WHERE status = 'settling'`);
  const final = collected.filter(({ charge_id }) => !settling.some(({ id }) => id === charge_id));
  expect(captured).toEqual(final.map(({ charge_id, amount }) => ({ charge_id, amount })));
  expect(await rowsOf(book.bankPath, 'SELECT * FROM refusals')).toEqual([]);
  const [periods] = await rowsOf<{ charges: number; periods: number }>(
    book.path,
    `SELECT COUNT(*) AS charges, COUNT(DISTINCT schedule_id || ' ' || period) AS periods FROM charges`,
  );
  expect(periods).toEqual({ charges: book.periods, periods: book.periods });
  expect((await runCli(['ledger', 'check'], { cwd: book.folder })).code).toBe(0);
}

async function assertRefused(): Promise<void> {
  const before = await executed();
  for (const args of [
    ['billing', 'run', '--json'],
    ['retries', 'run', '--json'],
  ]) {
    const result = await bursar(...args);
    expect(result.code, result.stdout).toBe(8);
    expect(JSON.parse(result.stdout)).toMatchObject({ error: { code: 'clock', exitCode: 8 } });
  }
  const doctor = await bursar('doctor', '--json');
  expect(doctor.code).toBe(8);
  expect(JSON.parse(doctor.stdout).findings).toContainEqual(expect.objectContaining({ code: 'clock_back' }));
  expect(await executed()).toBe(before);
}

it('two days ahead between runs, and right again: refused until accepted, then each period once', async () => {
  await setClock('+2d');
  expect([0, 4]).toContain((await bill()).code);
  expect(await executed()).toBeGreaterThan(0);
  await setClock('+0');
  await assertRefused();
  await setClock('-3y');
  await assertRefused();

  await setClock('+0');
  const accepted = await bursar('doctor', 'clock', 'accept', '--reason', 'two days ahead; NTP is back', '--json');
  expect(accepted.code, accepted.stderr).toBe(0);
  for (let run = 0; run < 3; run += 1) expect([0, 4]).toContain((await bill()).code);
  await assertNothingTwice();
});

it('two days ahead during a run: what is under way is not sent twice by the next', async () => {
  const { ended } = startRun(book, SLOWLY, faked());
  await untilSettled(book, 10);
  await setClock('+2d');
  expect([0, 4]).toContain((await ended).code);
  for (let run = 0; run < 3; run += 1) expect([0, 4]).toContain((await bill()).code);
  await assertNothingTwice();
  await setClock('+0');
  await assertRefused();
});

it('three years back during a run: nothing is sent after, the run says so, and the next one goes on', async () => {
  const { ended } = startRun(book, SLOWLY, faked());
  await untilSettled(book, 10);
  await setClock('-3y');
  const result = await ended;
  expect(result.code, result.stdout + result.stderr).toBe(8);
  expect(JSON.parse(result.stdout)).toMatchObject({ status: 'stopped', stoppedBy: 'clock' });
  const sent = await executed();
  await assertRefused();
  expect(await executed()).toBe(sent);
  await setClock('+0');
  await runToTheEnd(book);
  await assertExactlyOnce(book);
});

it('a gateway whose clock is far from ours: one answer is enough to stop every later send', async () => {
  const config = {
    books: { main: { url: './book.db' } },
    gateways: { simulated: { type: 'simulated', timeoutMs: 250, clockOffsetMs: 400_000 } },
    timezone: 'UTC',
  };
  await writeFile(join(book.folder, 'bursar.config.json'), JSON.stringify(config));
  const result = await runCli(['billing', 'run', '--as-of', book.asOf, '--json', ...SLOWLY], { cwd: book.folder });
  expect(result.code).toBe(8);
  expect(JSON.parse(result.stdout)).toMatchObject({ stoppedBy: 'clock' });
  const sent = await executed();
  expect(sent).toBeLessThan(5);
  expect(JSON.parse((await runCli(['doctor', '--json'], { cwd: book.folder })).stdout)).toMatchObject({
    findings: expect.arrayContaining([expect.objectContaining({ code: 'clock_off', subject: 'simulated' })]),
  });
  // A right answer, to whatever asked, and sending goes on.
  await writeFile(
    join(book.folder, 'bursar.config.json'),
    JSON.stringify({ ...config, gateways: { simulated: { type: 'simulated', timeoutMs: 250 } } }),
  );
  expect((await runCli(['gateways', 'test'], { cwd: book.folder })).code).toBe(0);
  for (let run = 0; run < 3; run += 1) {
    const next = await runCli(['billing', 'run', '--as-of', book.asOf, '--json'], { cwd: book.folder });
    expect([0, 4], next.stdout).toContain(next.code);
  }
  await assertNothingTwice();
});
