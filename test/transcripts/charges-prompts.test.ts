// What `charges create` asks on a real terminal, and that it never asks anywhere else.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BIN, cliEnvironment, runCli, temporaryFolder } from '../support/cli.ts';
import { KEYS, runOnTerminal } from '../support/pty.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let customerId = '';

beforeAll(async () => {
  folder = await temporaryFolder();
  await bursar('init', '--book', './book.db', '--mode', 'test');
  const { stdout } = await bursar('customers', 'create', '--name', 'Ada Lovelace', '--json');
  customerId = JSON.parse(stdout).id;
  for (const token of ['tok_insufficient_funds', 'tok_approved']) {
    await bursar('methods', 'add', '--customer', customerId, '--gateway', 'simulated', '--token', token);
  }
});
afterAll(() => folder.remove());

const bursar = (...args: string[]) => runCli(args, { cwd: folder.path });

const onTerminal = (args: readonly string[], answers: readonly (readonly [question: string, keys: string])[]) =>
  runOnTerminal(process.execPath, [BIN, ...args], { cwd: folder.path, env: cliEnvironment(folder.path), answers });

async function countCharges(): Promise<number> {
  return JSON.parse((await bursar('charges', 'list', '--json')).stdout).total;
}

test('customer, currency, amount and method are asked for; an amount is checked as it is typed', async () => {
  const { screen, code } = await onTerminal(
    ['charges', 'create'],
    [
      ['Which customer', KEYS.enter],
      ['Which currency', KEYS.enter],
      ['How much, in USD', `12.505${KEYS.enter}`],
      ['has 3 decimals', '\x15'],
      ['How much, in USD', `12.50${KEYS.enter}`],
      ['Which payment method', `${KEYS.down}${KEYS.enter}`],
    ],
  );
  expect(screen).toMatch(/Amount +12\.50 USD/);
  expect(screen).toMatch(/Status +captured/);
  expect(code).toBe(0);
});

test('Ctrl-C at a question charges nothing', async () => {
  const before = await countCharges();
  const { screen, code } = await onTerminal(['charges', 'create'], [['Which customer', KEYS.interrupt]]);
  expect(screen).toContain('Nothing was done');
  expect(code).toBe(130);
  expect(await countCharges()).toBe(before);
});

test('end of input at a question charges nothing', async () => {
  const before = await countCharges();
  const { code } = await onTerminal(
    ['charges', 'create', '--customer', customerId, '--currency', 'USD'],
    [['How much, in USD', KEYS.endOfInput]],
  );
  expect(code).not.toBe(0);
  expect(await countCharges()).toBe(before);
});

test('with --no-input, with --json, and off a terminal the missing flag is named', async () => {
  const creating = ['charges', 'create', '--customer', customerId, '--amount', '12.50', '--currency', 'USD'];
  const before = await countCharges();
  for (const how of ['--no-input', '--json']) {
    const { screen, code } = await onTerminal([...creating, how], []);
    expect(screen).toContain('--method is missing');
    expect(code).toBe(2);
  }
  const off = await bursar('charges', 'create');
  expect(off.stderr).toContain('--customer is missing');
  expect(off.code).toBe(2);
  expect(await countCharges()).toBe(before);
});
