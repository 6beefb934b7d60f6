// What is missing is asked for on a real terminal, and never anywhere else: not off a terminal, not
// with --no-input, not with --json.
import { readdir } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BIN, cliEnvironment, runCli, temporaryFolder } from '../support/cli.ts';
import { KEYS, runOnTerminal } from '../support/pty.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

const bursar = (...args: string[]) => runCli(args, { cwd: folder.path });

const onTerminal = (args: readonly string[], answers: readonly (readonly [question: string, keys: string])[] = []) =>
  runOnTerminal(process.execPath, [BIN, ...args], { cwd: folder.path, env: cliEnvironment(folder.path), answers });

async function customers(): Promise<{ id: string; name: string }[]> {
  const { stdout } = await bursar('customers', 'list', '--json');
  return JSON.parse(stdout).items;
}

test('init asks where and for what; Enter takes what is suggested', async () => {
  const { code } = await onTerminal(
    ['init'],
    [
      ['Where shall the book be?', KEYS.enter],
      ['What is the book for?', KEYS.enter],
    ],
  );
  expect(code).toBe(0);
  const { stdout } = await bursar('db', 'status', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ mode: 'test' });
  expect(await readdir(folder.path)).toContain('book.db');
});

test('init makes the book that was chosen', async () => {
  const { code } = await onTerminal(
    ['init', '--book', './real.db'],
    [['What is the book for?', KEYS.down + KEYS.enter]],
  );
  expect(code).toBe(0);
  expect(JSON.parse((await bursar('db', 'status', '--json')).stdout)).toMatchObject({ mode: 'live' });
});

test.each([
  ['Ctrl-C', KEYS.interrupt, 130],
  ['the end of input', KEYS.endOfInput, 2],
])('init makes nothing after %s', async (_, keys, status) => {
  const { code } = await onTerminal(['init', '--book', './book.db'], [['What is the book for?', keys]]);
  expect(code).toBe(status);
  expect((await readdir(folder.path)).filter((name) => name.includes('book'))).toEqual([]);
});

test('customers create asks for the name, and again for one that is none', async () => {
  await bursar('init', '--book', './book.db', '--mode', 'test');
  const answers = [
    ['Name of the customer?', '  \r'],
    ['The name is empty.', 'Ada\r'],
  ] as const;
  expect(await onTerminal(['customers', 'create'], answers)).toMatchObject({ code: 0 });
  expect(await customers()).toMatchObject([{ name: 'Ada' }]);
});

test('a card number that is typed is refused like one on the command line', async () => {
  await bursar('init', '--book', './book.db', '--mode', 'test');
  const { screen, code } = await onTerminal(['customers', 'create'], [['Name of the customer?', '4242424242424242\r']]);
  expect(code).toBe(2);
  expect(screen).toContain('--name holds what looks like a card number.');
  expect(await customers()).toEqual([]);
});

test('methods add offers the customers, and asks for the token', async () => {
  await bursar('init', '--book', './book.db', '--mode', 'test');
  await bursar('customers', 'create', '--name', 'Ada');
  await bursar('customers', 'create', '--name', 'Bob');
  const answers = [
    ['Which customer?', KEYS.enter],
    ["The gateway's token?", 'tok_approved\r'],
  ] as const;
  expect(await onTerminal(['methods', 'add'], answers)).toMatchObject({ code: 0 });
  const [newest] = await customers();
  const { stdout } = await bursar('methods', 'list', '--json');
  expect(JSON.parse(stdout).items).toMatchObject([{ customerId: newest?.id }]);
  expect(newest?.name).toBe('Bob');
});

test('a card number in a reason is refused', async () => {
  await bursar('init', '--book', './book.db', '--mode', 'test');
  expect(await onTerminal(['pause'], [['Why?', 'card 4242 4242 4242 4242\r']])).toMatchObject({ code: 2 });
  const { stdout } = await bursar('gateways', 'list', '--json');
  expect(JSON.parse(stdout).items).toMatchObject([{ paused: false }]);
});

test('pause asks why', async () => {
  await bursar('init', '--book', './book.db', '--mode', 'test');
  expect(await onTerminal(['pause'], [['Why?', 'an incident\r']])).toMatchObject({ code: 0 });
  const { stdout } = await bursar('pause', '--reason', 'again', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ reason: 'an incident' });
});

test.each([
  ['yes', 'y\r', 0],
  ['Enter alone', KEYS.enter, 2],
  ['the end of input', KEYS.endOfInput, 2],
  ['Ctrl-C', KEYS.interrupt, 130],
])('ledger close after %s', async (_, keys, status) => {
  await bursar('init', '--book', './book.db', '--mode', 'test');
  const answers = [['Close 2020-01 and all months before it for good?', keys]] as const;
  expect(await onTerminal(['ledger', 'close', '--month', '2020-01'], answers)).toMatchObject({ code: status });
  const again = await bursar('ledger', 'close', '--month', '2020-01', '--yes');
  expect(again.code).toBe(status === 0 ? 1 : 0);
});

const MISSING = [
  ['init', '--book', './new.db'],
  ['customers', 'create'],
  ['methods', 'add'],
  ['pause'],
  ['ledger', 'close'],
].map((args) => [args.join(' '), args] as const);

test.each(MISSING)('%s: nothing is asked with --no-input or --json', async (_, args) => {
  await bursar('init', '--book', './book.db', '--mode', 'test');
  for (const flag of ['--no-input', '--json']) {
    const { screen, code } = await onTerminal([...args, flag]);
    expect(code, screen).toBe(2);
    expect(screen).toContain('is missing. Nothing was done.');
  }
});

test.each(MISSING)('%s: nothing is asked off a terminal, whatever stands on stdin', async (_, args) => {
  await bursar('init', '--book', './book.db', '--mode', 'test');
  const { stdout, stderr, code } = await runCli(args, { cwd: folder.path, input: 'test\nAda\ny\n' });
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain('is missing. Nothing was done.');
});
