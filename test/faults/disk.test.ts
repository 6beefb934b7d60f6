// A disk that is full at the start, or fills up in the middle of a run: refused before anything is sent, or stopped at a
// safe point; nothing is lost, the book can be read all the while, and once there is room the next run converges.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runToTheEnd } from '../support/bank-judge.ts';
import { type BillingBook, makeBillingBook } from '../support/billing-book.ts';
import { BIN, type CliResult, cliEnvironment, runCli } from '../support/cli.ts';
import { rowsOf } from '../support/rows.ts';
import { judge, makeSingleChargeBook } from '../support/single-charge.ts';
import { mountSmallDisk, type SmallDisk } from '../support/small-disk.ts';

const MIB = 1024 * 1024;
const TOKENS = ['tok_approved', 'tok_insufficient_funds'];

let folder: string;
let disk: SmallDisk;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bursar-disk-'));
  disk = await mountSmallDisk(join(folder, 'disk'), 24 * MIB);
});
afterEach(async () => {
  disk.unmount();
  await rm(folder, { recursive: true, force: true });
});

const hashOf = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');

const errorOf = ({ stdout }: CliResult) =>
  (JSON.parse(stdout) as { error: { code: string; message: string; hint: string } }).error;

/** Every command that only reads, with not a byte left on the disk. */
async function expectReadable(cwd: string): Promise<void> {
  expect(await disk.freeBytes()).toBe(0);
  for (const args of [
    ['charges', 'list'],
    ['db', 'status'],
    ['ledger', 'check'],
    ['audit', 'verify'],
    ['billing', 'list'],
  ]) {
    const { code, stderr } = await runCli(args, { cwd });
    expect([args.join(' '), code], stderr).toEqual([args.join(' '), 0]);
  }
}

describe('a disk that is full', () => {
  test('a run is refused before it opens or sends anything, and works once there is room', async () => {
    const book = await makeBillingBook(join(disk.path, 'run'), 20, { tokens: TOKENS });
    await disk.fill(300_000);
    const before = await hashOf(book.path);
    const args = ['billing', 'run', '--as-of', book.asOf, '--json'];
    const refused = await runCli(args, { cwd: book.folder });
    expect(refused.code, refused.stderr).toBe(7);
    expect(errorOf(refused)).toMatchObject({
      code: 'book_full',
      message: expect.stringMatching(/leaves \d+ bytes, and \d+ may be needed .* Nothing more was opened or sent\.$/),
      hint: expect.stringMatching(/^Free some space/),
    });
    expect(await hashOf(book.path)).toBe(before);
    expect(existsSync(book.bankPath)).toBe(false);
    await disk.fill(0);
    expect((await runCli(args, { cwd: book.folder })).code).toBe(7);
    await expectReadable(book.folder);
    await disk.free();
    await runToTheEnd(book);
    expect((await judge(book)).captures).toBe(20);
  });

  test('a charge is refused before it is written or sent', async () => {
    const book = await makeSingleChargeBook(join(disk.path, 'charge'));
    await disk.fill(500_000);
    const refused = await runCli(book.create, { cwd: book.folder });
    expect([refused.code, errorOf(refused).code]).toEqual([7, 'book_full']);
    expect(await judge(book)).toEqual({ statuses: [], captures: 0 });
    await disk.free();
    expect((await runCli(book.create, { cwd: book.folder })).code).toBe(0);
    expect(await judge(book)).toEqual({ statuses: ['captured'], captures: 1 });
  });
});

describe('a disk that fills up in the middle of a run', () => {
  /** Starts a run that sends one at a time, and fills the disk when some are settled. */
  async function runAndFill(book: BillingBook, leftBytes: number): Promise<{ code: number | null; stdout: string }> {
    const args = [BIN, 'billing', 'run', '--as-of', book.asOf, '--json', '--concurrency', '1'];
    const child = spawn(process.execPath, args, {
      cwd: book.folder,
      env: cliEnvironment(book.folder),
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    while (child.exitCode === null) {
      const [row] = await rowsOf<{ n: number }>(
        book.path,
        'SELECT COUNT(*) AS n FROM attempts WHERE settled_at IS NOT NULL',
      );
      if ((row?.n ?? 0) >= 5) break;
      await delay(20);
    }
    expect(child.exitCode).toBeNull();
    await disk.fill(leftBytes);
    return { code: await ended, stdout };
  }

  test('it stops at a safe point: what is in hand is settled, no more is opened', async () => {
    const book = await makeBillingBook(join(disk.path, 'run'), 150, { tokens: TOKENS });
    // Less than a page of attempts may need, more than is in hand.
    const { code, stdout } = await runAndFill(book, 3.5 * MIB);
    expect(code, stdout).toBe(7);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'stopped', stoppedBy: 'no_room', error: { code: 'book_full' } });
    expect(await rowsOf(book.path, 'SELECT id FROM attempts WHERE outcome IS NULL')).toEqual([]);
    const [left] = await rowsOf<{ n: number }>(book.path, `SELECT COUNT(*) AS n FROM charges WHERE status = 'pending'`);
    expect(left?.n).toBeGreaterThan(0);
    await judge(book);
    await disk.free();
    await runToTheEnd(book);
    expect((await judge(book)).captures).toBe(150);
  });

  test('to the last byte: nothing is lost, and the next run finds out', async () => {
    const book = await makeBillingBook(join(disk.path, 'run'), 100, { tokens: TOKENS });
    const { code, stdout } = await runAndFill(book, 0);
    expect([4, 7], stdout).toContain(code);
    expect(stdout).not.toContain('internal');
    await disk.fill(0);
    await expectReadable(book.folder);
    await disk.free();
    await runToTheEnd(book);
    expect((await judge(book)).captures).toBe(100);
  });
});
