// Every statement that bursar sends to a book finds its rows by an index, so that it costs the same in a book of any size:
// commands run in this process on a book of some hundred charges, and SQLite tells how it would run what they asked.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { buildBigBook } from '../../bench/big-book.ts';
import { CHARGE_STATUSES } from '../../src/charges/charge.ts';
import { temporaryFolder } from '../support/cli.ts';
import { CHARGE_HEADING, chargeRow, csvOf, SCHEDULE_HEADING, scheduleRow } from '../support/import-files.ts';
import { listenTo, type PlanFault, planFaults } from '../support/query-plans.ts';
import { rowsOf } from '../support/rows.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Plans that break the rule and stay: which, and why they are no harm, or the lesser one. */
const EXCEPTIONS: readonly [plan: RegExp, reason: string][] = [
  [/B-TREE.*INDEXED BY (attempts_open|refunds_succeeded)/, 'what is open, or was refunded of late, is little'],
  [/B-TREE.*FROM (attempts|refunds|payment_methods) WHERE [^()]*(charge|customer)_id (= \?|IN)/, 'one of them has few'],
  [/B-TREE.*FROM journal_entries e WHERE e.id IN/, 'a charge has few entries'],
  [/GROUP BY \| SELECT currency, COUNT/, 'one group for each currency of what is due, all of which the run will read'],
  [/GROUP BY \| SELECT every_count/, 'one group for each way of falling due, of what is due: the run will read it all'],
  [/SCAN owners \|/, 'as many as processes are at work on the book'],
  [/GROUP BY \| WITH closed AS/, 'one group for each pair of accounts, of the months that are open'],
  [
    /SCAN.*FROM charges WHERE status = 'captured'/,
    'nearly all are captured: a page is full after a little more than its rows',
  ],
  [/SCAN attempts.*WHERE outcome = \? ORDER BY id DESC LIMIT/, 'asked so for approved ones only, which most are'],
  [/SCAN a .*FROM audit_rows a WHERE a\.\w+/, 'an index for each filter would double what a log row costs to write'],
  [/SCAN a .*FROM audit_rows a WHERE \(a.action/, 'as for the other filters of the log'],
  [
    /SCAN e .*FROM journal_entries e WHERE EXISTS \(SELECT 1 FROM postings/,
    'an account index would cost each posting a page',
  ],
  [/SCAN schedules .*status IN/, 'schedules are as many as customers, and few are not active'],
  [
    /(SCAN payment_methods|B-TREE).*SELECT gateway FROM payment_methods UNION/,
    'methods are as many as customers; it is read once in a run of reconcile',
  ],
  [
    /SCAN payment_methods .*removed_at IS NULL ORDER BY id/,
    'nearly none is removed: a page is full after a little more than its rows',
  ],
  [/SCAN attempts.*api_version <> \? ORDER BY id DESC LIMIT 1/, 'the newest that was not adopted is near the newest'],
  [/SCAN charges.*substr\(id, \?\) = \?/, 'the end of an id that a person has typed, read from the index of ids'],
];

interface Runnable {
  run(args: readonly string[], root: string): Promise<unknown>;
}

/** What the commands wrote, for when one ends as it should not. */
let printed = '';
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let path: string;
let listened: ReturnType<typeof listenTo>;
let faults: PlanFault[];

beforeAll(async () => {
  folder = await temporaryFolder();
  path = join(folder.path, 'book.db');
  vi.stubEnv('BURSAR_STATE_DIR', join(folder.path, 'state'));
  vi.stubEnv('HOME', folder.path);
  const config = {
    defaultGateway: 'simulated',
    timezone: 'UTC',
    gateways: { simulated: { type: 'simulated', timeoutMs: 300 }, second: { type: 'simulated' } },
  };
  await writeFile(join(folder.path, 'config.json'), JSON.stringify(config), { mode: 0o600 });
  const quiet = ((text: string, ...rest: unknown[]): boolean => {
    printed += text;
    for (const done of rest) if (typeof done === 'function') done();
    return true;
  }) as typeof process.stdout.write;
  const spies = [vi.spyOn(process.stdout, 'write'), vi.spyOn(process.stderr, 'write')].map((spy) =>
    spy.mockImplementation(quiet),
  );
  await buildBigBook(path, { charges: 400, customers: 120, hashes: true });
  listened = listenTo(path);
  try {
    await useEverything();
  } finally {
    listened.stop();
    for (const spy of spies) spy.mockRestore();
    vi.unstubAllEnvs();
    process.exitCode = 0;
  }
  faults = await planFaults(path, listened.statements);
});
afterAll(() => folder.remove());

/** Runs a command of the sources. `ends`: how, if not with 0, so that none is refused before it has asked the book. */
async function bursar(line: string, ends: number | number[] = 0, ...more: string[]): Promise<void> {
  const words = line.split(' ');
  const [topic, verb = ''] = words;
  const isAlone = ['init', 'doctor', 'pause', 'resume'].includes(topic ?? '');
  const { default: command } = (
    isAlone ? await import(`../../src/commands/${topic}.ts`) : await import(`../../src/commands/${topic}/${verb}.ts`)
  ) as { default: Runnable };
  const config = join(folder.path, 'config.json');
  const args = [...words.slice(isAlone ? 1 : 2), ...more, '--book', path, '--config', config, '--yes'];
  await command.run(args, ROOT);
  const code = Number(process.exitCode ?? 0);
  process.exitCode = 0;
  if (![ends].flat().includes(code)) throw new Error(`${line} ended with ${code}: ${printed.slice(-500)}`);
}

/** The first id that a query on the book finds. */
async function idOf(what: string): Promise<string> {
  const [row] = await rowsOf<{ id: string }>(path, `SELECT id FROM ${what} LIMIT 1`);
  if (row === undefined) throw new Error(`no ${what}`);
  return row.id;
}

async function useEverything(): Promise<void> {
  await operate();
  await bill();
  await list();
  await inspect();
  // Their work is to read the book whole.
  await listened.apart(async () => {
    for (const line of ['doctor', 'config check', 'ledger check', 'audit verify']) await bursar(line, [0, 1, 4]);
    for (const format of ['csv', 'ndjson']) {
      await bursar(`audit export --format ${format} --out ${join(folder.path, `audit.${format}`)}`);
    }
  });
}

async function operate(): Promise<void> {
  await bursar('customers create --name Ada');
  const customer = await idOf(`customers WHERE name = 'Ada'`);
  for (const [token, code] of [
    ['tok_approved', 0],
    ['tok_insufficient_funds', 3],
    ['tok_timeout_after_charging', 4],
    ['tok_lost_card', 3],
  ] as const) {
    await bursar(`methods add --customer ${customer} --gateway simulated --token ${token}`);
    const method = await idOf(`payment_methods WHERE customer_id = '${customer}' AND token = '${token}'`);
    const of = `--customer ${customer} --method ${method} --currency USD`;
    await bursar(`charges create ${of} --amount 12.50 --idempotency-key ${token}`, code);
    if (token !== 'tok_lost_card')
      await bursar(`charges create ${of} --amount 9 --policy standard --metadata a=b`, code);
  }
  const approved = await idOf(`payment_methods WHERE token = 'tok_approved' AND customer_id = '${customer}'`);
  for (const verb of ['capture', 'void']) {
    await bursar(`charges create --customer ${customer} --method ${approved} --amount 5 --currency USD --authorize`);
    await bursar(
      `charges ${verb} ${await idOf(`charges WHERE status = 'authorized' AND customer_id = '${customer}'`)}`,
    );
  }
  const captured = await idOf(`charges WHERE status = 'captured' AND customer_id = '${customer}'`);
  await bursar(`charges refund ${captured} --amount 1 --idempotency-key once`);
  await bursar(
    `attempts resolve ${await idOf(`attempts WHERE outcome = 'unknown'`)} --as declined --reason x --force`,
    [0, 3],
  );
  await bursar('charges sync', [0, 3, 4]);
  await bursar(
    `charges cancel ${await idOf(`charges WHERE status = 'failed' AND customer_id = '${customer}'`)} --reason x`,
  );
  await bursar(`charges replay ${await idOf(`charges WHERE status = 'exhausted'`)} --reason x`, [0, 3]);
  await bursar('pause --reason drill');
  await bursar('resume --reason over');
  const lost = await idOf(`payment_methods WHERE token = 'tok_lost_card'`);
  await bursar(`methods add --customer ${customer} --gateway simulated --token tok_approved --replaces ${lost}`);
  await bursar(`methods remove ${lost}`, [0, 1]);
}

async function bill(): Promise<void> {
  const customer = await idOf(`customers WHERE name = 'Ada'`);
  const of = `--customer ${customer} --method ${await idOf(`payment_methods WHERE customer_id = '${customer}'`)} --amount 5`;
  const when = '--currency USD --timezone UTC --start';
  await bursar(`schedules create ${of} ${when} 2091-01-01 --idempotency-key s --every`, 0, '1 month');
  await bursar('billing run --as-of 2091-03-01 --catch-up latest --dry-run');
  await bursar('billing run --as-of 2091-03-01 --catch-up latest', [0, 3, 4]);
  await bursar('retries run --as-of 2091-03-01 --dry-run');
  await bursar('retries run --as-of 2091-03-01', [0, 3, 4]);
  const schedule = await idOf(`schedules WHERE idempotency_key = 's'`);
  for (const verb of ['show', 'preview', 'cancel']) await bursar(`schedules ${verb} ${schedule}`);
  const file = join(folder.path, 'rows.csv');
  await writeFile(
    file,
    csvOf(
      CHARGE_HEADING,
      [0, 1].map((index) => chargeRow(index)),
    ),
  );
  await bursar(`charges import ${file}`);
  await writeFile(
    file,
    csvOf(
      SCHEDULE_HEADING,
      [2, 3].map((index) => scheduleRow(index)),
    ),
  );
  await bursar(`schedules import ${file}`);
  await bursar('reconcile run --gateway simulated', [0, 1]);
}

/** With all their rows, so that there are pages behind the first. */
async function list(): Promise<void> {
  const customer = await idOf('customers');
  const charge = await idOf(`charges WHERE status = 'captured'`);
  const range = '--since 2020-01-01 --until 2090-01-01';
  const filters: Record<string, readonly string[]> = {
    'attempts list': ['', '--open', '--outcome declined', '--outcome approved', `--charge ${charge}`],
    'audit list': ['', range, `--customer ${customer}`, '--kind sale', '--gateway simulated', '--status captured'],
    'billing list': [''],
    'charges list': [
      ...[
        '',
        range,
        `--customer ${customer}`,
        `--customer ${customer} --status captured,unknown`,
        `--status failed ${range}`,
      ],
      ...CHARGE_STATUSES.map((status) => `--status ${status}`),
      ...['failed,exhausted,captured', 'unknown,captured'].map((statuses) => `--status ${statuses}`),
    ],
    'customers list': [''],
    'ledger accounts': [''],
    'ledger entries': ['', range, `--charge ${charge}`, '--account revenue:sales'],
    'methods list': ['', `--customer ${customer}`],
    'refunds list': ['', `--charge ${charge}`, '--status succeeded'],
    'retries list': [''],
    'schedules list': ['', `--customer ${customer}`, '--status active', '--status cancelled,paused'],
  };
  for (const [command, all] of Object.entries(filters)) {
    for (const filter of all) await bursar(`${command} --all --format csv${filter === '' ? '' : ` ${filter}`}`);
  }
}

async function inspect(): Promise<void> {
  const charge = await idOf(`charges WHERE status = 'captured' AND schedule_id IS NOT NULL`);
  await bursar(`charges show ${charge}`);
  await bursar(`charges show ${charge.slice(-8)}`);
  await bursar(`charges why ${charge}`);
  await bursar(`charges why ${await idOf(`charges WHERE status = 'exhausted'`)}`);
  await bursar(`attempts show ${await idOf('attempts')}`);
  await bursar(`refunds show ${await idOf('refunds')}`);
  await bursar(`customers show ${await idOf('customers')}`);
  await bursar(`retries explain ${await idOf(`charges WHERE status = 'exhausted'`)}`);
  await bursar(`billing show ${await idOf(`runs WHERE kind = 'billing'`)}`);
  await bursar('db status');
  await bursar('ledger balances');
  await bursar('ledger close --month 2025-06');
  await bursar('audit seal');
  await bursar('audit head');
}

test('every statement finds its rows by an index', () => {
  expect(listened.statements.size).toBeGreaterThan(150);
  const told = faults.map(({ detail, sql }) => `${detail} | ${sql}`);
  expect(told.filter((plan) => !EXCEPTIONS.some(([exception]) => exception.test(plan)))).toEqual([]);
});

test('every exception is still one', () => {
  const told = faults.map(({ detail, sql }) => `${detail} | ${sql}`);
  const stale = EXCEPTIONS.filter(([exception]) => !told.some((plan) => exception.test(plan)));
  expect(stale.map(([exception]) => exception.source)).toEqual([]);
});
