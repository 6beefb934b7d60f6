// COMMIT that fails: an unknown of our own. Every fsync of the log is made to fail in turn, once or for good, or the process
// is killed in it; whatever the command says, money moves once, and the next run brings book and bank together.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runToTheEnd } from '../support/bank-judge.ts';
import { makeBillingBook } from '../support/billing-book.ts';
import { runCli } from '../support/cli.ts';
import { copyOf, judge, makeSingleChargeBook, type SingleChargeBook } from '../support/single-charge.ts';
import { type FaultyResult, runFaulty } from '../support/strace.ts';

let folder: string;
let single: SingleChargeBook;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bursar-commit-'));
  single = await makeSingleChargeBook(join(folder, 'single'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const logOf = (path: string): string => `${path}-wal`;

/** Charges once while the nth fsync of the log meets the fault. */
async function createWith(inject: string): Promise<{ book: SingleChargeBook; result: FaultyResult }> {
  const book = await copyOf(single, join(folder, `create-${inject.replaceAll(/\W/g, '-')}`));
  const result = await runFaulty(book.create, { files: [logOf(book.path)], call: 'fsync', inject }, book.folder);
  return { book, result };
}

/** Runs until nothing changes any more, and holds book and bank against each other. */
async function converge(book: SingleChargeBook) {
  const { code, stderr } = await runCli(['billing', 'run', '--json'], { cwd: book.folder });
  expect(code, stderr).toBe(0);
  return judge(book);
}

const told = ({ stdout }: FaultyResult) =>
  JSON.parse(stdout) as { status?: string; error?: { code: string; message: string; hint: string } };

describe.concurrent('charges create', () => {
  // fsync 1 to 3: the log's header, the owner, the open; 4: the settle; then release, seal and the log's end.
  test.each([1, 2, 3])('a commit that fails once before the send (fsync %i): nothing is sent', async (nth) => {
    const { book, result } = await createWith(`error=EIO:when=${nth}`);
    expect(result.hits).toBe(1);
    expect(result.code, result.stderr).toBe(7);
    expect(told(result).error).toMatchObject({
      code: 'commit_unknown',
      message: expect.stringMatching(/nothing of it stands, and nothing was sent/),
      hint: expect.stringMatching(/disk/),
    });
    expect(await judge(book)).toEqual({ statuses: [], captures: 0 });
    expect(await converge(book)).toEqual({ statuses: [], captures: 0 });
  });

  test('an open that nobody can tell of is not sent, and says so', async () => {
    const { book, result } = await createWith('error=EIO:when=3+');
    expect(result.code, result.stderr).toBe(4);
    expect(told(result).error).toMatchObject({
      code: 'outcome_unrecorded',
      message: expect.stringMatching(/may have been written and was not sent/),
      hint: expect.stringMatching(/Do not repeat it before you have looked: bursar charges show ch_/),
    });
    // It gives up: what it tried is bounded.
    expect(result.hits).toBeLessThan(10);
    expect((await judge(book)).captures).toBe(0);
    await converge(book);
  });

  test('a settle that fails once is booked all the same, once', async () => {
    const { book, result } = await createWith('error=EIO:when=4');
    expect(result.hits).toBe(1);
    expect([result.code, told(result).status], result.stderr).toEqual([0, 'captured']);
    expect(await judge(book)).toEqual({ statuses: ['captured'], captures: 1 });
  });

  test('a settle that fails for good leaves it to the next run, with 4', async () => {
    const { book, result } = await createWith('error=EIO:when=4+');
    expect(result.code, result.stderr).toBe(4);
    expect(told(result).error).toMatchObject({
      code: 'outcome_unrecorded',
      message: expect.stringMatching(/may have been sent; what came of it could not be recorded/),
      hint: 'Do not repeat it. The next billing run finds out: bursar billing run',
    });
    expect(result.hits).toBeLessThan(20);
    expect(await converge(book)).toEqual({ statuses: ['captured'], captures: 1 });
  });

  test.each([5, 6, 7])('what fails after the settle (fsync %i on) is no failure of the charge', async (nth) => {
    const { book, result } = await createWith(`error=EIO:when=${nth}+`);
    expect(result.hits).toBeGreaterThan(0);
    expect([result.code, told(result).status], result.stderr).toEqual([0, 'captured']);
    if (nth < 7) expect(result.stderr).toContain('its audit rows are not sealed yet');
    expect(await converge(book)).toEqual({ statuses: ['captured'], captures: 1 });
  });

  test.each([1, 2, 3, 4, 5, 6, 7])('killed in fsync %i: the next runs bring book and bank together', async (nth) => {
    const { book, result } = await createWith(`signal=KILL:when=${nth}`);
    expect(result.hits).toBeGreaterThan(0);
    const { statuses, captures } = await converge(book);
    // What stood in the log was found again, and then it was collected once; what did not was never sent.
    expect(statuses).toEqual(Array.from({ length: captures }, () => 'captured'));
    if (nth >= 4) expect(captures).toBe(1);
  });
});

describe.concurrent('billing run', () => {
  // Owner, run, planning, charges, open, settle, and what ends it; each fails once, some of them for good.
  const faults = [2, 3, 4, 5, 6, 7, 8, '4+', '6+', '7+'].map((when) => `error=EIO:when=${when}`);
  test.each(faults)('%s: the next run converges, each period once', async (inject) => {
    const at = join(folder, `run-${inject.replaceAll(/\W/g, '-')}`);
    const book = await makeBillingBook(at, 8, { tokens: ['tok_approved', 'tok_insufficient_funds'] });
    const args = ['billing', 'run', '--as-of', book.asOf, '--json'];
    const result = await runFaulty(args, { files: [logOf(book.path)], call: 'fsync', inject }, book.folder);
    expect(result.hits).toBeGreaterThan(0);
    expect(result.hits).toBeLessThan(40);
    expect([0, 4, 7], result.stdout + result.stderr).toContain(result.code);
    expect(result.stdout + result.stderr).not.toContain('internal');
    const next = await runCli(args, { cwd: book.folder });
    expect([0, 4], next.stderr).toContain(next.code);
    await runToTheEnd(book);
    const { statuses, captures } = await judge(book);
    expect([statuses.length, captures]).toEqual([book.periods, book.periods / 2]);
  });
});
