// What `schedules` asks on a real terminal: values that are missing, and whether the past is meant.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newPersonalKey } from '../../src/audit/personal.ts';
import { insertCustomers } from '../../src/customers/customers-store.ts';
import { insertMethods } from '../../src/customers/methods-store.ts';
import { newId } from '../../src/ids.ts';
import { occurrence, type Recurrence } from '../../src/schedules/recurrence.ts';
import { insertSchedules } from '../../src/schedules/schedules-store.ts';
import { createBook, openBook } from '../../src/storage/open.ts';
import { writeTrx } from '../../src/storage/trx.ts';
import { BIN, cliEnvironment, runCli, temporaryFolder } from '../support/cli.ts';
import { runOnTerminal } from '../support/pty.ts';

const nowMs = Date.now();
const customerId = newId('customer', nowMs);
const methodId = newId('method', nowMs);
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  for (const mode of ['test', 'live'] as const) {
    const path = join(folder.path, `${mode}.db`);
    await createBook(path, mode, nowMs);
    const book = await openBook(path);
    await writeTrx(book, async (trx) => {
      const customer = { id: customerId, name: 'Ada', email: null, createdAt: nowMs, personalKey: newPersonalKey() };
      await insertCustomers(trx, [customer]);
      const nothing = { brand: null, last4: null, removedAt: null, blockedAt: null, blockedCode: null };
      const method = { customerId, gateway: 'simulated', token: 'tok_approved', createdAt: nowMs, ...nothing };
      await insertMethods(trx, [{ id: methodId, ...method }]);
    });
    await book.close();
  }
});

afterAll(() => folder.remove());

async function onTerminal(args: readonly string[], answers: readonly (readonly [question: string, keys: string])[]) {
  const options = { cwd: folder.path, env: cliEnvironment(folder.path), answers };
  const { screen, code } = await runOnTerminal(process.execPath, [BIN, ...args], options);
  return { stdout: screen, code };
}

const creating = ['schedules', 'create', '--book', './test.db', '--customer', customerId, '--currency', 'USD'];
const monthly = ['--every', '1 month', '--start', '2091-01-31', '--timezone', 'UTC'];

async function countOf(book: string): Promise<number> {
  const { stdout } = await runCli(['schedules', 'list', '--book', book, '--json'], { cwd: folder.path });
  return JSON.parse(stdout).total;
}

test('a missing amount is asked for, and checked as it is typed', async () => {
  const { stdout, code } = await onTerminal(
    [...creating, ...monthly],
    [
      ['How much, in USD', '20.005\r'],
      ['has 3 decimals', '\x15\x15'],
      ['How much, in USD', '20.00\r'],
    ],
  );
  expect(stdout).toMatch(/Amount +20\.00 USD/);
  expect(code).toBe(0);
});

test('a missing interval is asked for; a date and time makes one delayed charge', async () => {
  const { stdout, code } = await onTerminal(
    [...creating, '--amount', '5', '--timezone', 'UTC'],
    [['How often', '2091-02-01T09:00\r']],
  );
  expect(stdout).toMatch(/Repeats +once at 2091-02-01 09:00/);
  expect(code).toBe(0);
});

test('a missing customer and currency are chosen from', async () => {
  const { stdout, code } = await onTerminal(
    ['schedules', 'create', '--book', './test.db', '--amount', '7', ...monthly],
    [
      ['Which customer', '\r'],
      ['Which currency', '\r'],
    ],
  );
  expect(stdout).toMatch(/Amount +7\.00 USD/);
  expect(code).toBe(0);
});

test('nothing is asked with --no-input, nor with --json', async () => {
  for (const how of ['--no-input', '--json']) {
    const { stdout, code } = await onTerminal([...creating, ...monthly, how], []);
    expect(stdout).toContain('--amount is missing');
    expect(code).toBe(2);
  }
});

const YESTERDAY = new Date(nowMs - 86_400_000).toISOString().slice(0, 10);
const past = [
  ...creating,
  '--amount',
  '5',
  '--every',
  '1 day',
  '--start',
  YESTERDAY,
  '--time',
  '00:00',
  '--timezone',
  'UTC',
];

test.each([
  ['n', 'n\r', 0, 2],
  ['just Enter', '\r', 0, 2],
  ['y', 'y\r', 1, 0],
])('a schedule that begins in the past is created only after a yes: %s', async (_, keys, made, exit) => {
  const before = await countOf('./test.db');
  const { stdout, code } = await onTerminal(past, [['in the past?', keys]]);
  expect(stdout).toContain('A billing run now would charge what is due already');
  expect([(await countOf('./test.db')) - before, code]).toEqual([made, exit]);
});

test('off a terminal the past is taken as meant, and told on stderr', async () => {
  const { stdout, stderr, code } = await runCli([...past, '--json'], { cwd: folder.path });
  expect(JSON.parse(stdout)).toMatchObject({ status: 'active', nextPeriod: YESTERDAY });
  expect(stderr).toContain('A billing run now would charge what is due already');
  expect(code).toBe(0);
});

test('on a live book cancelling has to be confirmed', async () => {
  const recurrence: Recurrence = {
    every: { count: 1, unit: 'month' },
    on: null,
    time: '09:00',
    start: '2091-01-31',
    at: null,
    timezone: 'UTC',
  };
  const id = newId('schedule', nowMs);
  const made = {
    createdAt: nowMs,
    updatedAt: nowMs,
    version: 1,
    idempotencyKey: null,
    requestHash: null,
    paidThrough: null,
  };
  const amount = { amountMinor: 2000n, currency: 'USD', description: null, metadata: {}, policy: 'standard' };
  const book = await openBook(join(folder.path, 'live.db'));
  await writeTrx(book, (trx) =>
    insertSchedules(trx, [
      { id, customerId, methodId, ...amount, recurrence, status: 'active', next: occurrence(recurrence, 0), ...made },
    ]),
  );
  await book.close();
  const cancelling = ['schedules', 'cancel', id, '--book', './live.db'];

  const off = await runCli(cancelling, { cwd: folder.path });
  expect(off.stderr).toContain(`Cancel 20.00 USD every 1 month from Ada (${customerId})?`);
  expect(off.code).toBe(2);
  expect((await onTerminal(cancelling, [['Cancel 20.00 USD', 'n\r']])).code).toBe(2);
  const show = await runCli(['schedules', 'show', id, '--book', './live.db', '--json'], { cwd: folder.path });
  expect(JSON.parse(show.stdout).status).toBe('active');

  const yes = await runCli([...cancelling, '--yes', '--json'], { cwd: folder.path });
  expect([JSON.parse(yes.stdout).status, yes.code]).toEqual(['cancelled', 0]);
});
