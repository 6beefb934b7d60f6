// Yesterday's backup in the place of the book, by hand and by `db restore`: nothing is sent until it knows what was sent
// without it, and then nothing is doubled. Backups under load, restores that are killed, a state directory that is gone.
import { copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BillingBook, makeBillingBook } from '../support/billing-book.ts';
import { BIN, type CliResult, cliEnvironment, runCli, runProcess } from '../support/cli.ts';
import { startRun, untilSettled } from '../support/one-run.ts';
import { rowsOf } from '../support/rows.ts';

let book: BillingBook;
beforeEach(async () => {
  book = await makeBillingBook(await mkdtemp(join(tmpdir(), 'bursar-restored-')), 28);
  // Long enough for a busy machine: what the bank approves must not look unknown.
  const config = {
    books: { main: { url: './book.db' } },
    gateways: { simulated: { type: 'simulated', timeoutMs: 2_000 } },
    policies: { standard: { soft: ['1 hour'], transport: { baseMs: 1, capMs: 2, maxAttempts: 2 } } },
    timezone: 'UTC',
  };
  await writeFile(join(book.folder, 'bursar.config.json'), JSON.stringify(config), { mode: 0o600 });
});
afterEach(() => rm(book.folder, { recursive: true, force: true }));

const bursar = (...args: string[]): Promise<CliResult> => runCli(args, { cwd: book.folder });

async function json<T>(...args: string[]): Promise<T> {
  const result = await bursar(...args, '--json');
  expect([0, 4], result.stdout + result.stderr).toContain(result.code);
  return JSON.parse(result.stdout) as T;
}

async function billed(times: number, asOf = book.asOf): Promise<void> {
  for (let run = 0; run < times; run += 1) await json('billing', 'run', '--as-of', asOf);
}

const executed = async (): Promise<number> => (await rowsOf(book.bankPath, 'SELECT 1 FROM executed')).length;

/** A charge of the book that the bank has captured, sold for 77.00 and partly given back. */
async function sell(refundMinor: string | null): Promise<string> {
  const [method] = await rowsOf<{ id: string; customer_id: string }>(
    book.path,
    `SELECT id, customer_id FROM payment_methods WHERE token = 'tok_approved'`,
  );
  const who = ['--customer', method?.customer_id ?? '', '--method', method?.id ?? ''];
  const { id } = await json<{ id: string }>('charges', 'create', ...who, '--amount', '77', '--currency', 'USD');
  if (refundMinor !== null) await json('charges', 'refund', id, '--amount', refundMinor);
  return id;
}

async function assertRefused(args: readonly string[]): Promise<void> {
  const result = await bursar(...args, '--json');
  expect(result.code, `${args.join(' ')}: ${result.stdout}`).toBe(8);
  expect(JSON.parse(result.stdout)).toMatchObject({ error: { code: 'quarantined', exitCode: 8 } });
}

/** Every verb that could send something, on charges of the book that would take it. */
async function assertQuarantined(): Promise<void> {
  const before = await executed();
  const runs = await rowsOf(book.path, 'SELECT * FROM runs');
  const [captured] = await rowsOf<{ id: string }>(book.path, `SELECT id FROM charges WHERE status = 'captured'`);
  const [authorized] = await rowsOf<{ id: string }>(book.path, `SELECT id FROM charges WHERE status = 'authorized'`);
  const [waiting] = await rowsOf<{ id: string }>(book.path, `SELECT id FROM charges WHERE status = 'requires_action'`);
  const [method] = await rowsOf<{ id: string; customer_id: string }>(
    book.path,
    `SELECT id, customer_id FROM payment_methods WHERE token = 'tok_approved'`,
  );
  const who = ['--customer', method?.customer_id ?? '', '--method', method?.id ?? ''];
  await assertRefused(['billing', 'run', '--as-of', book.asOf]);
  await assertRefused(['retries', 'run', '--as-of', book.asOf]);
  await assertRefused(['charges', 'create', ...who, '--amount', '1', '--currency', 'USD']);
  await assertRefused(['charges', 'refund', captured?.id ?? '']);
  await assertRefused(['charges', 'capture', authorized?.id ?? '']);
  await assertRefused(['charges', 'void', authorized?.id ?? '']);
  await assertRefused(['charges', 'cancel', waiting?.id ?? '']);
  expect(await executed()).toBe(before);
  expect(await rowsOf(book.path, 'SELECT * FROM runs')).toEqual(runs);
  for (const list of ['charges', 'attempts', 'schedules', 'customers'])
    expect((await bursar(list, 'list')).code).toBe(0);
  const doctor = await bursar('doctor', '--json');
  expect(doctor.code, doctor.stdout).toBe(8);
  const quarantined = { code: 'quarantined', command: 'bursar reconcile run' };
  expect(JSON.parse(doctor.stdout).findings).toContainEqual(expect.objectContaining(quarantined));
}

/** The gateway's account equals the bank, charge by charge too, and nothing was collected twice. */
async function assertAgrees(): Promise<void> {
  const bank = await rowsOf<{ charge_id: string; collected: number; times: number }>(
    book.bankPath,
    `SELECT charge_id, COUNT(*) FILTER (WHERE operation IN ('sale', 'capture')) AS times,
            SUM(CASE WHEN operation IN ('sale', 'capture') THEN amount_minor WHEN operation = 'refund' THEN -amount_minor ELSE 0 END)
              AS collected FROM executed GROUP BY 1 ORDER BY 1`,
  );
  expect(bank.filter(({ times }) => times > 1)).toEqual([]);
  expect(await rowsOf(book.bankPath, 'SELECT * FROM refusals')).toEqual([]);
  const [ledger] = await rowsOf<{ minor: number }>(
    book.path,
    `SELECT SUM(CASE WHEN d.name = 'assets:gateway:simulated' THEN p.amount_minor ELSE -p.amount_minor END) AS minor
       FROM postings p JOIN accounts d ON d.id = p.debit_account JOIN accounts k ON k.id = p.credit_account
      WHERE 'assets:gateway:simulated' IN (d.name, k.name)`,
  );
  expect(ledger?.minor).toBe(bank.reduce((sum, { collected }) => sum + collected, 0));
  const known = await rowsOf<{ id: string; minor: number }>(
    book.path,
    'SELECT id, captured_minor - refunded_minor AS minor FROM charges WHERE captured_minor > 0',
  );
  const atBank = new Map(bank.map(({ charge_id, collected }) => [charge_id, collected]));
  for (const { id, minor } of known) expect(atBank.get(id), id).toBe(minor);
  for (const check of [
    ['ledger', 'check'],
    ['audit', 'verify'],
  ]) {
    const result = await bursar(...check, '--json');
    expect(result.code, `${check.join(' ')}: ${result.stdout}${result.stderr}`).toBe(0);
  }
}

/** Bills on, sells, gives back: what the backup does not know. */
async function goOn(): Promise<void> {
  await billed(2);
  await sell('5');
}

async function prepare(): Promise<string> {
  const id = await sell(null);
  const [method] = await rowsOf<{ id: string; customer_id: string }>(
    book.path,
    `SELECT id, customer_id FROM payment_methods WHERE token = 'tok_approved'`,
  );
  const who = ['--customer', method?.customer_id ?? '', '--method', method?.id ?? ''];
  const more = ['--amount', '40', '--currency', 'USD'];
  await json('charges', 'create', ...who, ...more, '--authorize');
  const [action] = await rowsOf<{ id: string }>(
    book.path,
    `SELECT id FROM payment_methods WHERE token = 'tok_requires_action'`,
  );
  await json('charges', 'create', '--customer', who[1] ?? '', '--method', action?.id ?? '', ...more);
  return id;
}

interface Reconciled {
  gateways: { listed: number; known: number; adopted: number; settled: number; suspense: number }[];
  quarantine: { held: boolean; lifted: boolean };
}

async function assertReconciled(sold: string): Promise<void> {
  const dry = await json<Reconciled>('reconcile', 'run', '--dry-run');
  expect(dry.quarantine).toMatchObject({ held: true, lifted: false });
  const done = await json<Reconciled>('reconcile', 'run');
  expect(done.gateways).toEqual(dry.gateways);
  expect(done.quarantine).toMatchObject({ held: true, lifted: true });
  expect(done.gateways[0]?.adopted).toBeGreaterThan(10);
  // The sale after the backup, and what of it was given back, belong to a charge that nobody can name.
  expect(done.gateways[0]?.suspense).toBe(2);
  await assertAgrees();
  const again = await json<Reconciled>('reconcile', 'run');
  expect(again.gateways).toMatchObject([{ adopted: 0, settled: 0, suspense: 0, known: again.gateways[0]?.listed }]);
  // And on it goes: what was declined in the lost days is tried, what was collected is not.
  await billed(3);
  await json('charges', 'refund', sold, '--amount', '1');
  await assertAgrees();
  const [periods] = await rowsOf<{ charges: number; periods: number }>(
    book.path,
    `SELECT COUNT(*) AS charges, COUNT(DISTINCT schedule_id || ' ' || period) AS periods FROM charges WHERE schedule_id IS NOT NULL`,
  );
  expect(periods).toEqual({ charges: book.periods, periods: book.periods });
}

describe('an older copy in the place of the book', () => {
  it('put there by hand', async () => {
    const sold = await prepare();
    const copy = join(book.folder, 'yesterday.db');
    await copyFile(book.path, copy);
    await goOn();
    for (const end of ['-wal', '-shm']) await rm(`${book.path}${end}`, { force: true });
    await copyFile(copy, book.path);
    await assertQuarantined();
    await assertReconciled(sold);
  });

  it('put there by db restore', async () => {
    const sold = await prepare();
    await json('db', 'backup', '--out', 'yesterday.db');
    await goOn();
    const restored = await json<{ quarantined: boolean; keptAside: string }>(
      'db',
      'restore',
      'yesterday.db',
      '--force',
    );
    expect(restored.quarantined).toBe(true);
    expect((await bursar('ledger', 'check', '--book', restored.keptAside)).code).toBe(0);
    await assertQuarantined();
    await assertReconciled(sold);
  });

  it('put in the place of a book that is damaged, or gone', async () => {
    await prepare();
    await json('db', 'backup', '--out', 'yesterday.db');
    await goOn();
    await writeFile(book.path, 'not a book any more'.repeat(1_000));
    expect((await bursar('charges', 'list')).code).toBe(5);
    expect(await json('db', 'restore', 'yesterday.db', '--force')).toMatchObject({ quarantined: true });
    await rm(book.path);
    expect(await json('db', 'restore', 'yesterday.db')).toMatchObject({ quarantined: true, keptAside: null });
    await json('reconcile', 'run');
    await assertAgrees();
  });

  it('nothing was sent since it was taken: it goes on at once', async () => {
    await prepare();
    await json('db', 'backup', '--out', 'now.db');
    expect(await json('db', 'restore', 'now.db', '--force')).toMatchObject({ quarantined: false });
    await sell(null);
    await assertAgrees();
  });
});

describe('backups', () => {
  it('taken while a run bills are whole, each of them', async () => {
    const { ended } = startRun(book, ['--concurrency', '4']);
    for (let number = 1; number <= 3; number += 1) {
      await untilSettled(book, number * 8);
      await json('db', 'backup', '--out', `during-${number}.db`);
    }
    expect([0, 4]).toContain((await ended).code);
    for (let number = 1; number <= 3; number += 1) {
      const path = `./during-${number}.db`;
      for (const check of [
        ['ledger', 'check', '--deep'],
        ['audit', 'verify'],
      ]) {
        const result = await bursar(...check, '--book', path, '--json');
        expect(result.code, result.stdout + result.stderr).toBe(0);
      }
    }
  });

  it('are not put in the place of a book that someone works on', async () => {
    await json('db', 'backup', '--out', 'before.db');
    const { ended } = startRun(book, ['--concurrency', '1']);
    await untilSettled(book, 3);
    const refused = await bursar('db', 'restore', 'before.db', '--force', '--json');
    expect(refused.code, refused.stdout).toBe(6);
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'lease_held' } });
    expect([0, 4]).toContain((await ended).code);
    await billed(2);
    await assertAgrees();
  });
});

describe('a restore that is killed', () => {
  /** Kills it at the n-th call of these system calls; answers whether it came so far. */
  async function killedAt(calls: string, nth: number): Promise<boolean> {
    const inject = [
      '-f',
      '-qq',
      '-o',
      '/dev/null',
      '-e',
      `trace=${calls}`,
      '-e',
      `inject=${calls}:signal=KILL:when=${nth}`,
    ];
    const command = [...inject, process.execPath, BIN, 'db', 'restore', 'yesterday.db', '--force', '--json'];
    const result = await runProcess('strace', command, { cwd: book.folder, env: cliEnvironment(book.folder) });
    return result.code !== 0;
  }

  it.each([
    ['link,linkat', 1],
    ['rename,renameat,renameat2', 1],
    ['unlink,unlinkat', 3],
    ['fsync', 3],
  ])('at %s leaves the old book or the new one, whole', async (calls, most) => {
    await prepare();
    await json('db', 'backup', '--out', 'yesterday.db');
    await sell('5');
    const sequence = async (): Promise<number | undefined> =>
      (await rowsOf<{ n: number }>(book.path, 'SELECT open_sequence AS n FROM book'))[0]?.n;
    const newer = await sequence();
    await copyFile(book.path, join(book.folder, 'newer.db'));
    let killed = 0;
    for (let nth = 1; nth <= most; nth += 1) {
      for (const end of ['-wal', '-shm']) await rm(`${book.path}${end}`, { force: true });
      await copyFile(join(book.folder, 'newer.db'), book.path);
      if (await killedAt(calls, nth)) killed += 1;
      const check = await bursar('ledger', 'check', '--deep', '--json');
      expect(check.code, `${calls} ${nth}: ${check.stdout}${check.stderr}`).toBe(0);
      const [row] = await rowsOf<{ n: number; quarantined: number | null }>(
        book.path,
        'SELECT open_sequence AS n, quarantined_at AS quarantined FROM book',
      );
      // Never the old knowledge without the quarantine.
      if (row?.n !== newer) expect(row?.quarantined, `${calls} ${nth}`).not.toBeNull();
      // A restore that is run again goes through, whatever the killed one left behind.
      expect((await json<{ quarantined: boolean }>('db', 'restore', 'yesterday.db', '--force')).quarantined).toBe(true);
    }
    expect(killed).toBeGreaterThan(0);
  });
});

describe('the state directory', () => {
  it('that is gone is made again, and the promise begins anew', async () => {
    await sell(null);
    await rm(join(book.folder, '.local'), { recursive: true });
    await sell(null);
    expect(await readdir(join(book.folder, '.local/state/bursar/marks'))).toHaveLength(1);
  });

  it.each([
    ['is in a place that is no folder', '/dev/null/state', 'state_unwritable'],
    ['is not an absolute path', 'state', 'invalid_config'],
  ])('that %s stops everything before it is opened', async (_, BURSAR_STATE_DIR, code) => {
    const env = { BURSAR_STATE_DIR };
    const result = await runCli(['billing', 'run', '--as-of', book.asOf, '--json'], { cwd: book.folder, env });
    expect(result.code, result.stdout).toBe(7);
    expect(JSON.parse(result.stdout)).toMatchObject({ error: { code, exitCode: 7 } });
    expect(await rowsOf(book.path, 'SELECT * FROM runs')).toEqual([]);
    expect(await rowsOf(book.path, 'SELECT * FROM attempts')).toEqual([]);
    expect((await runCli(['charges', 'list'], { cwd: book.folder, env })).code).toBe(0);
  });

  it('that is read-only stops everything, and another one may be named', async () => {
    const env = cliEnvironment(book.folder, { BURSAR_STATE_DIR: '/mnt/bursar' });
    const script = 'mount -t tmpfs -o ro none /mnt && exec "$@"';
    const command = [process.execPath, BIN, 'billing', 'run', '--as-of', book.asOf, '--json'];
    const child = await runProcess('unshare', ['-m', 'sh', '-c', script, 'sh', ...command], { cwd: book.folder, env });
    expect(child.code, child.stdout + child.stderr).toBe(7);
    expect(JSON.parse(child.stdout)).toMatchObject({ error: { code: 'state_unwritable' } });
    expect(JSON.parse(child.stdout).error.hint).toContain('BURSAR_STATE_DIR');
    expect(await rowsOf(book.path, 'SELECT * FROM attempts')).toEqual([]);
    const named = { BURSAR_STATE_DIR: join(book.folder, 'elsewhere') };
    const result = await runCli(['billing', 'run', '--as-of', book.asOf], { cwd: book.folder, env: named });
    expect([0, 4]).toContain(result.code);
    expect(await readdir(join(book.folder, 'elsewhere/marks'))).toHaveLength(1);
  });
});
