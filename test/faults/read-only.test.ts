// Someone who may not write: a read-only file or folder, another owner, a limit on file sizes. Whoever writes is refused
// before anything else; whoever reads can, and leaves no file beside the book.
import { spawn } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runToTheEnd } from '../support/bank-judge.ts';
import { makeBillingBook } from '../support/billing-book.ts';
import { BIN, type CliResult, cliEnvironment, runCli, runProcess } from '../support/cli.ts';
import { copyOf, judge, makeSingleChargeBook, type SingleChargeBook } from '../support/single-charge.ts';
import { runFaulty } from '../support/strace.ts';

const NOBODY = 65_534;
const READING = [
  ['charges', 'list'],
  ['ledger', 'check'],
  ['audit', 'verify'],
  ['db', 'status'],
  ['doctor'],
  ['billing', 'run', '--dry-run'],
];

let folder: string;
/** The ordinary user's. */
let home: string;
/** With one charge in it. */
let book: SingleChargeBook;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bursar-read-only-'));
  await chmod(folder, 0o755);
  home = join(folder, 'home');
  await mkdir(home);
  if (process.getuid?.() === 0) await chown(home, NOBODY, NOBODY);
  book = await makeSingleChargeBook(join(folder, 'book'));
  expect((await runCli(book.create, { cwd: book.folder })).code).toBe(0);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A copy that belongs to an ordinary user, or to `owner`. */
async function copyFor(name: string, owner = process.getuid?.() === 0 ? NOBODY : (process.getuid?.() ?? 0)) {
  const at = await copyOf(book, join(folder, name));
  for (const file of ['', ...(await readdir(at.folder))]) await chown(join(at.folder, file), owner, owner);
  await chmod(join(at.folder, 'bursar.config.json'), 0o644);
  return at;
}

/** Runs as an ordinary user: root is stopped by no permission. */
function asNobody(args: readonly string[], cwd: string): Promise<CliResult> {
  const ids = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  return new Promise((resolve, reject) => {
    const env = cliEnvironment(home);
    const child = spawn(process.execPath, [BIN, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], ...ids });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ stdout, stderr, code, signal }));
  });
}

async function expectReadableOnly(at: SingleChargeBook, refusal: RegExp): Promise<void> {
  const files = async () => {
    const names = (await readdir(at.folder)).sort();
    return Promise.all(names.map(async (name) => [name, (await stat(join(at.folder, name))).mtimeMs]));
  };
  const before = await files();
  for (const args of READING) {
    const { code, stderr } = await asNobody(args, at.folder);
    expect([args.join(' '), code, stderr]).toEqual([args.join(' '), 0, '']);
  }
  for (const args of [at.create, ['billing', 'run', '--json'], ['customers', 'create', '--name', 'Bob', '--json']]) {
    const { code, stdout } = await asNobody(args, at.folder);
    expect([code, JSON.parse(stdout)]).toMatchObject([
      7,
      { error: { code: 'book_unreachable', message: expect.stringMatching(refusal) } },
    ]);
  }
  expect(await files()).toEqual(before);
}

describe.concurrent('someone who may not write', () => {
  test('a read-only file', async () => {
    const at = await copyFor('file');
    await chmod(at.path, 0o444);
    await expectReadableOnly(
      at,
      /book\.db can't be written to by you \(EACCES\)\. Nothing was written or sent; .*read/,
    );
  });

  test('a read-only folder', async () => {
    const at = await copyFor('folder');
    await chmod(at.folder, 0o555);
    await expectReadableOnly(at, /\/folder can't be written to by you \(EACCES\)\. Nothing was written or sent/);
  });

  test("another user's book that everyone may read", async () => {
    const at = await copyFor('other', 12_345);
    await chmod(at.path, 0o644);
    await expectReadableOnly(at, /book\.db can't be written to by you \(EACCES\)/);
  });

  test("another user's book that nobody else may read", async () => {
    const at = await copyFor('private', 12_345);
    for (const args of [['charges', 'list', '--json'], at.create]) {
      const { code, stdout } = await asNobody(args, at.folder);
      expect([code, JSON.parse(stdout)]).toMatchObject([
        7,
        {
          error: {
            code: 'book_unreachable',
            message: expect.stringMatching(/can't be read by you\. Nothing was done/),
          },
        },
      ]);
    }
  });

  test('a read-only folder with the log of a process that was killed: what it committed is read', async () => {
    const at = await copyOf(book, join(folder, 'log'));
    // Between the settle and the seal: the second charge stands in the log alone.
    await runFaulty(at.create, { files: [`${at.path}-wal`], call: 'fsync', inject: 'signal=KILL:when=6' }, at.folder);
    expect((await stat(`${at.path}-wal`)).size).toBeGreaterThan(0);
    const owner = process.getuid?.() === 0 ? NOBODY : -1;
    for (const file of ['', ...(await readdir(at.folder))]) await chown(join(at.folder, file), owner, owner);
    await chmod(join(at.folder, 'bursar.config.json'), 0o644);
    await chmod(at.folder, 0o555);
    const { stdout } = await asNobody(['charges', 'list', '--json'], at.folder);
    expect(JSON.parse(stdout)).toMatchObject({ total: 2 });
    await expectReadableOnly(at, /\/log can't be written to by you/);

    // Without the log's index there is no reading it, and leaving the log out would show an older book.
    await chmod(at.folder, 0o755);
    await rm(`${at.path}-shm`);
    await chmod(at.folder, 0o555);
    const refused = await asNobody(['charges', 'list', '--json'], at.folder);
    expect([refused.code, JSON.parse(refused.stdout)]).toMatchObject([
      7,
      { error: { code: 'book_unreachable', message: expect.stringMatching(/index is missing.*Nothing was read/) } },
    ]);
  });
});

describe.concurrent('a limit on file sizes', () => {
  const limited = (args: readonly string[], kilobytes: number, cwd: string): Promise<CliResult> =>
    runProcess('bash', ['-c', `ulimit -f ${kilobytes}; exec "$0" "$@"`, process.execPath, BIN, ...args], {
      cwd,
      env: cliEnvironment(cwd),
    });

  test('that leaves no room is refused before anything is written or sent; reading goes on', async () => {
    const at = await copyOf(book, join(folder, 'limit'));
    for (const args of [at.create, ['billing', 'run', '--json']]) {
      const { code, stdout } = await limited(args, 500, at.folder);
      expect([code, JSON.parse(stdout)]).toMatchObject([
        7,
        {
          error: {
            code: 'book_full',
            message: expect.stringMatching(
              /The limit on file sizes of this process, .* leaves \d+ bytes, and \d+ may be/,
            ),
            hint: expect.stringMatching(/ulimit -f/),
          },
        },
      ]);
    }
    for (const args of READING) expect((await limited(args, 500, at.folder)).code, args.join(' ')).toBe(0);
    expect(await judge(at)).toEqual({ statuses: ['captured'], captures: 1 });
  });

  test('that a write runs into is told, and nothing is half done', async () => {
    const at = await copyOf(book, join(folder, 'limit-hit'));
    // Nothing is sent here, so nothing looks ahead: the engine itself meets EFBIG.
    const { code, stdout } = await limited(['customers', 'create', '--name', 'Bob', '--json'], 8, at.folder);
    expect([code, JSON.parse(stdout)]).toMatchObject([7, { error: { hint: expect.stringMatching(/ulimit -f/) } }]);
    expect(await judge(at)).toEqual({ statuses: ['captured'], captures: 1 });
  });

  test('a run empties its log rather than run into it', async () => {
    const run = await makeBillingBook(join(folder, 'limit-run'), 400, { tokens: ['tok_approved'] });
    // The log of such a run grows to some 12 MB, and SQLite would empty it by itself at 80.
    const args = ['billing', 'run', '--as-of', run.asOf, '--json', '--concurrency', '8'];
    const { code, stdout } = await limited(args, 14_000, run.folder);
    // On a busy machine the bank may miss its quarter of a second, which leaves an unknown.
    expect([0, 4], stdout).toContain(code);
    await runToTheEnd(run);
    expect((await judge(run)).captures).toBe(800);
  });
});
