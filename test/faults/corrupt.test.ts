// A damaged file. A flipped bit in an amount is named by the checks, whatever SQLite's own check says; a file that can't be
// read is refused, with its bytes left as they are and the way to a backup.
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyAudit } from '../../src/audit/verify.ts';
import { checkLedger } from '../../src/inspection/ledger-check.ts';
import { openBook } from '../../src/storage/open.ts';
import { readTrx } from '../../src/storage/trx.ts';
import { type CliResult, runCli } from '../support/cli.ts';
import { copyOf, makeSingleChargeBook, type SingleChargeBook } from '../support/single-charge.ts';
import { runFaulty } from '../support/strace.ts';

let folder: string;
/** One charge of 54,321.98 with a refund of 12,345.67: numbers that stand nowhere else in the file. */
let book: SingleChargeBook;
const CHARGED = 5_432_198;
const REFUNDED = 1_234_567;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bursar-corrupt-'));
  book = await makeSingleChargeBook(join(folder, 'book'));
  const made = await runCli(
    book.create.map((word) => (word === '7.77' ? '54321.98' : word)),
    { cwd: book.folder },
  );
  const { id } = JSON.parse(made.stdout) as { id: string };
  const refund = ['charges', 'refund', id, '--amount', '12345.67', '--reason', 'returned'];
  expect((await runCli(refund, { cwd: book.folder })).code).toBe(0);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Where the amount stands in the file: as SQLite's big-endian integer, and as text in a stored request. */
function placesOf(bytes: Buffer, amountMinor: number): number[] {
  const integer = Buffer.from([(amountMinor >> 16) & 255, (amountMinor >> 8) & 255, amountMinor & 255]);
  const request = Buffer.from(`{"amountMinor":"${amountMinor}`);
  const places: number[] = [];
  for (const needle of [integer, request]) {
    for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1)) {
      // An event's payload begins the same way nowhere: its amount comes later.
      places.push(at + needle.length - 1);
    }
  }
  return places;
}

describe('a flipped bit in an amount', () => {
  test('is noticed wherever the amount stands: charge, attempt, refund, posting, audit row', async () => {
    const bytes = await readFile(book.path);
    const codes = new Set<string>();
    const places = [...placesOf(bytes, CHARGED), ...placesOf(bytes, REFUNDED)];
    // Charge (thrice), two attempts and their requests, refund, two postings, five audit rows, control accounts.
    expect(places.length).toBeGreaterThan(15);
    for (const place of places) {
      const flipped = Buffer.from(bytes);
      flipped[place] = (flipped[place] ?? 0) ^ 1;
      const path = join(folder, 'flipped.db');
      await writeFile(path, flipped);
      const opened = await openBook(path);
      const { findings } = await readTrx(opened, (trx) => checkLedger(trx, { deep: false }));
      const audit = await readTrx(opened, (trx) => verifyAudit(trx, null));
      await opened.close();
      expect(findings.length, `the flip at byte ${place}`).toBeGreaterThan(0);
      for (const { code } of [...findings, ...audit.findings]) codes.add(code);
    }
    for (const code of ['charge_amount', 'charge_captured', 'charge_refunded', 'refund_amount', 'posting_amount']) {
      expect(codes).toContain(code);
    }
    expect(codes).toContain('row_edited');
    expect(codes).toContain('attempt_request');
  });

  test.each([
    ['charges', 'amount_minor', 'ch_', 'ledger check'],
    ['attempts', 'amount_minor', 'att_|ch_|je_', 'ledger check'],
    ['refunds', 'amount_minor', 're_', 'ledger check'],
    ['audit_rows', 'amount_minor', 'au_', 'audit verify'],
  ])('in %s.%s is named by the command, with 5', async (table, column, subject, command) => {
    const at = await copyOf(book, join(folder, `flip-${table}`));
    const bytes = await readFile(at.path);
    // Found by trying: the flip that changes this column, and nothing else.
    const rows = (file: string): Promise<string> => valuesOf(file, `SELECT group_concat(${column}) FROM ${table}`);
    const before = await rows(at.path);
    for (const place of [...placesOf(bytes, CHARGED), ...placesOf(bytes, REFUNDED)]) {
      const flipped = Buffer.from(bytes);
      flipped[place] = (flipped[place] ?? 0) ^ 1;
      await writeFile(at.path, flipped);
      if ((await rows(at.path)) !== before) break;
    }
    expect(await valuesOf(at.path, 'PRAGMA integrity_check')).toBe('ok');
    const { code, stdout } = await runCli([...command.split(' '), '--json'], { cwd: at.folder });
    expect(code).toBe(5);
    const { findings } = JSON.parse(stdout) as { findings: { subject: string | null }[] };
    expect(findings.some((finding) => new RegExp(`^(${subject})`).test(finding.subject ?? ''))).toBe(true);
  });
});

async function valuesOf(path: string, sql: string): Promise<string> {
  const opened = await openBook(path);
  try {
    const [row] = (await opened.reader.raw(sql)) as Record<string, unknown>[];
    return String(Object.values(row ?? {})[0]);
  } finally {
    await opened.close();
  }
}

describe('a file that is no book any more', () => {
  const hashOf = async (path: string): Promise<string> =>
    createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
  const READ = ['charges', 'list', '--json'];

  /** Reading and writing commands are refused, and the file keeps its bytes. */
  async function expectRefused(at: SingleChargeBook, codes: readonly number[]): Promise<string> {
    const before = await hashOf(at.path);
    let message = '';
    for (const args of [READ, at.create, ['billing', 'run', '--json'], ['db', 'migrate', '--json']]) {
      const result = await runCli(args, { cwd: at.folder });
      expect(codes, `${args.join(' ')}: ${result.stdout}`).toContain(result.code);
      const { error } = JSON.parse(result.stdout) as { error: { message: string; hint: string } };
      expect(error.hint).toMatch(/bursar db restore FILE/);
      message = error.message;
    }
    expect(await hashOf(at.path)).toBe(before);
    return message;
  }

  test('text, whatever its name', async () => {
    const at = await copyOf(book, join(folder, 'text'));
    await writeFile(at.path, 'date,amount\n2026-01-01,12.50\n'.repeat(1000));
    expect(await expectRefused(at, [5])).toMatch(/is not a book: the file is no SQLite database\. Nothing/);
  });

  test('an empty file', async () => {
    const at = await copyOf(book, join(folder, 'empty'));
    await truncate(at.path, 0);
    expect(await expectRefused(at, [5])).toMatch(/is an empty file, not a book\. Nothing was written\./);
  });

  test('half a file', async () => {
    const at = await copyOf(book, join(folder, 'half'));
    await truncate(at.path, Math.floor((await stat(at.path)).size / 2));
    expect(await expectRefused(at, [5])).toMatch(/is damaged\. Nothing more was written\./);
  });

  test('a folder', async () => {
    const at = await copyOf(book, join(folder, 'folder'));
    await rm(at.path);
    await mkdir(at.path);
    const { code, stdout } = await runCli(READ, { cwd: at.folder });
    expect([code, JSON.parse(stdout)]).toMatchObject([7, { error: { code: 'book_missing' } }]);
  });

  test('a page of noise where the charges stand', async () => {
    const at = await copyOf(book, join(folder, 'page'));
    const bytes = await readFile(at.path);
    const opened = await openBook(at.path);
    const roots = (await opened.reader.raw(`SELECT rootpage FROM sqlite_master WHERE tbl_name = 'charges'`)) as {
      rootpage: number;
    }[];
    await opened.close();
    for (const { rootpage } of roots.filter((root) => root.rootpage > 0))
      bytes.fill(0xa5, (rootpage - 1) * 4096, rootpage * 4096);
    await writeFile(at.path, bytes);
    const before = await hashOf(at.path);
    for (const args of [READ, ['billing', 'run', '--dry-run', '--json']]) {
      const { code, stdout } = await runCli(args, { cwd: at.folder });
      expect([code, JSON.parse(stdout)]).toMatchObject([
        5,
        { error: { code: 'corrupt_book', hint: expect.stringMatching(/bursar db restore FILE/) } },
      ]);
    }
    const checked = await runCli(['ledger', 'check', '--json'], { cwd: at.folder });
    expect(checked.code, checked.stdout).toBe(5);
    expect(await hashOf(at.path)).toBe(before);
    // A charge is refused once it meets the damage, with nothing sent and the noise left for whoever can read it.
    const sent = await readFile(`${at.folder}/book.bank.db`);
    const refused = await runCli(at.create, { cwd: at.folder });
    expect([refused.code, JSON.parse(refused.stdout)]).toMatchObject([5, { error: { code: 'corrupt_book' } }]);
    expect(await readFile(`${at.folder}/book.bank.db`)).toEqual(sent);
    expect((await readFile(at.path)).indexOf(Buffer.alloc(4096, 0xa5))).toBeGreaterThan(0);
  });
});

describe('a write-ahead log that was cut off', () => {
  // What SQLite does is by design: the log holds whole commits up to the first frame whose checksum fails, and ends there.
  test.each([1 / 4, 1 / 2, 3 / 4])(
    'at %f of its length: whole commits only, and the book holds together',
    async (part) => {
      const at = await copyOf(book, join(folder, `log-${part}`));
      const log = `${at.path}-wal`;
      const fault = { files: [log], call: 'fsync', inject: 'signal=KILL:when=7' };
      await runFaulty(at.create, fault, at.folder);
      const { size } = await stat(log);
      expect(size).toBeGreaterThan(50_000);
      await rm(`${at.path}-shm`);
      await truncate(log, Math.floor(size * part));
      const checked = await runCli(['ledger', 'check', '--json'], { cwd: at.folder });
      expect(checked.code, checked.stdout).toBe(0);
      expect((await runCli(READ, { cwd: at.folder })).code).toBe(0);
    },
  );
  const READ = ['charges', 'list'];
});

test('a disk that does not give a part of the file back is told apart from a damaged file', async () => {
  const at = await copyOf(book, join(folder, 'unreadable'));
  const results: CliResult[] = [];
  for (const [args, nth] of [
    [['charges', 'list', '--json'], 1],
    [['charges', 'list', '--json'], 2],
    [['audit', 'verify', '--json'], 1],
    [at.create, 2],
  ] as const) {
    const fault = { files: [at.path], call: 'pread64', inject: `error=EIO:when=${nth}` };
    const result = await runFaulty(args, fault, at.folder);
    expect(result.hits).toBe(1);
    results.push(result);
  }
  for (const { code, stdout, stderr } of results) {
    expect([code, stderr]).toEqual([7, '']);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'book_unreachable', message: expect.stringMatching(/the disk does not give a part of it back/) },
    });
  }
});
