// Books that can't be worked with: missing, locked, newer, corrupt, not a file, not ours to write. Each gets one clear
// message and its status, with and without --json, and stays byte for byte as it was.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, chown, copyFile, mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BIN, cliEnvironment, runCli, runProcess, temporaryFolder } from '../support/cli.ts';

const project = fileURLToPath(new URL('../..', import.meta.url));
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  const { code } = await bursar('init', '--book', './good.db', '--mode', 'test');
  expect(code).toBe(0);
});
afterAll(() => folder.remove());

const bursar = (...args: string[]) => runCli(args, { cwd: folder.path, env: { BURSAR_BUSY_TIMEOUT_MS: '200' } });
const inFolder = (name: string): string => join(folder.path, name);

/** Null for what is no file. */
async function digest(path: string): Promise<string | null> {
  const bytes = await readFile(path).catch(() => null);
  return bytes === null ? null : createHash('sha256').update(bytes).digest('hex');
}

/** Runs SQL on a book in a process of its own, which then prints `done` and stays until its input ends. */
function sqlProcess(path: string, sql: string) {
  const script = `const db = new (require('sqlite3').Database)(process.argv[1]);
    db.exec(process.argv[2], (error) => { console.log(error ?? 'done'); process.stdin.resume().on('end', () => db.close()); });`;
  return spawn(process.execPath, ['-e', script, path, sql], { cwd: project, stdio: ['pipe', 'pipe', 'inherit'] });
}

async function runSql(path: string, sql: string): Promise<void> {
  const child = sqlProcess(path, sql);
  const [output] = await once(child.stdout, 'data');
  expect(String(output)).toBe('done\n');
  child.stdin.end();
  await once(child, 'close');
}

const makers: Record<string, (path: string) => Promise<void>> = {
  missing: async () => undefined,
  newer: async (path) => {
    await copyFile(inFolder('good.db'), path);
    await runSql(path, 'UPDATE book SET schema_version = 99');
  },
  older: async (path) => {
    await copyFile(inFolder('good.db'), path);
    await runSql(path, 'UPDATE book SET schema_version = 1');
  },
  garbage: (path) => writeFile(path, 'no book at all. '.repeat(4096)),
  truncated: async (path) => {
    await copyFile(inFolder('good.db'), path);
    await truncate(path, 20_000);
  },
  scribbled: async (path) => {
    // The first page tells what tables there are.
    const bytes = await readFile(inFolder('good.db'));
    await writeFile(path, bytes.fill(0x5a, 100, 4096));
  },
  empty: (path) => writeFile(path, ''),
  directory: (path) => mkdir(path),
  'another database': (path) => runSql(path, 'CREATE TABLE things (id INTEGER)'),
};

const expected: Record<string, [status: number, code: string, message: RegExp]> = {
  missing: [7, 'book_missing', /^There is no book at \S+\. Nothing was done\.$/],
  newer: [7, 'book_newer', /has schema 99; this bursar knows up to \d+\. Nothing was written\.$/],
  older: [7, 'book_older', /has schema 1; this bursar needs \d+\. Nothing was written\.$/],
  garbage: [5, 'corrupt_book', /is not a book: the file is no SQLite database\. Nothing more was written\.$/],
  truncated: [5, 'corrupt_book', /is damaged\. Nothing more was written\.$/],
  scribbled: [5, 'corrupt_book', /is damaged\. Nothing more was written\.$/],
  empty: [5, 'corrupt_book', /is an empty file, not a book\. Nothing was written\.$/],
  directory: [7, 'book_missing', /is not a file, so it can't be a book\. Nothing was done\.$/],
  'another database': [5, 'corrupt_book', /is an SQLite database, but not a book\. Nothing was written\.$/],
};

test.each(Object.keys(makers))('%s', async (kind) => {
  const path = inFolder(`${kind}.db`);
  await makers[kind]?.(path);
  const before = await digest(path);
  const [status, code, message] = expected[kind] ?? [0, '', /$^/];
  const name = `./${kind}.db`;
  const commands = [
    ['customers', 'create', '--name', 'Ada', '--book', name],
    ['customers', 'list', '--book', name],
    ['billing', 'run', '--book', name],
    ...(kind === 'older' ? [] : [['db', 'migrate', '--book', name]]),
    ...(kind === 'missing' ? [] : [['init', '--mode', 'test', '--book', name]]),
  ];
  for (const command of commands) {
    const text = await bursar(...command);
    expect([text.code, text.stdout], command.join(' ')).toEqual([status, '']);
    expect(text.stderr.split('\n')[0]?.replace('Error: ', '')).toMatch(message);
    expect(text.stderr.split('\n').length).toBeLessThan(4);
    const json = await bursar(...command, '--json');
    expect([json.code, json.stderr], command.join(' ')).toEqual([status, '']);
    expect(JSON.parse(json.stdout).error).toMatchObject({
      code,
      exitCode: status,
      message: expect.stringMatching(message),
    });
  }
  expect(await digest(path)).toBe(before);
  expect((await readdir(folder.path)).filter((file) => file.startsWith(`${kind}.db`))).toEqual(
    kind === 'missing' ? [] : [`${kind}.db`],
  );
});

test('locked by another process', async () => {
  const path = inFolder('locked.db');
  await copyFile(inFolder('good.db'), path);
  const holder = sqlProcess(path, 'BEGIN IMMEDIATE');
  try {
    await once(holder.stdout, 'data');
    const text = await bursar('customers', 'create', '--name', 'Ada', '--book', './locked.db');
    expect(text).toMatchObject({ code: 6, stdout: '' });
    expect(text.stderr).toBe(
      `Error: The book ${path} is locked by another process. Nothing more was written.\nWait for the other command to end and run this one again.\n`,
    );
    const json = await bursar('billing', 'run', '--book', './locked.db', '--json');
    expect(json.code).toBe(6);
    expect(JSON.parse(json.stdout).error).toMatchObject({ code: 'book_locked', exitCode: 6 });
    // Readers are never held up.
    expect(await bursar('customers', 'list', '--book', './locked.db', '--json')).toMatchObject({ code: 0, stderr: '' });
  } finally {
    holder.stdin.end();
    await once(holder, 'close');
  }
  expect(await bursar('customers', 'create', '--name', 'Ada', '--book', './locked.db')).toMatchObject({ code: 0 });
});

// Root may write anything, so another user has to try, where that one can run the program at all.
const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;
const asUser = isRoot ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : [];
const [tryProgram = '', ...tryArgs] = [...asUser, process.execPath, BIN, '--version'];
const canTry = spawnSync(tryProgram, tryArgs, { cwd: '/' }).status === 0;

test.skipIf(!canTry)('a file that may only be read', async () => {
  const home = inFolder('read-only');
  const path = join(home, 'book.db');
  await mkdir(home);
  await copyFile(inFolder('good.db'), path);
  await chmod(path, 0o400);
  if (isRoot) {
    for (const each of [folder.path, inFolder('bursar.config.json'), home, path]) await chown(each, NOBODY, NOBODY);
  }
  const before = await digest(path);
  const [program = '', ...args] = [...asUser, process.execPath, BIN, 'customers', 'create', '--name', 'Ada'];
  const { stdout, stderr, code } = await runProcess(program, [...args, '--book', './book.db'], {
    cwd: home,
    env: cliEnvironment(home),
  });
  expect([code, stdout, stderr]).toEqual([
    7,
    '',
    `Error: ${path} can't be written to by you (EACCES). Nothing was written or sent; the book can still be read.\nRun as the user who owns the book, or give yourself access to the file and its folder.\n`,
  ]);
  expect(await digest(path)).toBe(before);
  expect((await readdir(home)).filter((file) => file.startsWith('book'))).toEqual(['book.db']);
});
