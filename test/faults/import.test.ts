// Imports under faults: bad rows, a kill in the middle, two at once, Ctrl-C, files that are no CSV. Whatever happens, each
// good row is in the book once, and the others are told with their line.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BIN, cliEnvironment } from '../support/cli.ts';
import {
  chargeRow,
  csvOf,
  type ImportBook,
  importBook,
  SCHEDULE_HEADING,
  scheduleRow,
  writeSchedules,
} from '../support/import-files.ts';
import { execute, rowsOf } from '../support/rows.ts';

const PAN = '4111111111111111';

let folder: string;
let book: ImportBook;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bursar-import-'));
  book = await importBook(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const inFile = (name: string): string => join(folder, name);
const rejectsOf = async (name: string): Promise<string[]> =>
  (await readFile(inFile(`${name}.rejects.csv`), 'utf8')).trimEnd().split('\r\n');
const filesNow = async (): Promise<string[]> => (await readdir(folder)).filter((name) => name !== '.local').sort();

describe('one bad row among many (fault 26)', () => {
  it('puts the good ones in, tells the bad one with its line, and changes nothing the second time', async () => {
    const rows = 20_000;
    await writeSchedules(inFile('subs.csv'), rows, [13_333]);
    const first = await book.run(['schedules', 'import', 'subs.csv', '--json']);
    expect(first.code, first.stdout + first.stderr).toBe(1);
    expect(JSON.parse(first.stdout)).toMatchObject({
      schema: 'bursar.import/1',
      rows,
      imported: rows - 1,
      alreadyThere: 0,
      rejected: 1,
      rejectedBy: { invalid_amount: 1 },
      rejectsFile: 'subs.csv.rejects.csv',
      customersCreated: rows / 2,
      methodsCreated: rows / 2,
    });
    const [, reject = '', ...others] = await rejectsOf('subs.csv');
    expect(others).toEqual([]);
    // The heading is line 1.
    expect(reject).toMatch(/^13335,invalid_amount,"amount: ""12.505"" has 3 decimals.*",sub-0013333,/);
    expect(await book.count('schedules')).toBe(rows - 1);
    expect(await book.count('customers')).toBe(rows / 2);
    const created = await rowsOf<{ action: string; n: number }>(
      book.path,
      'SELECT action, COUNT(*) AS n FROM audit_rows GROUP BY action ORDER BY action',
    );
    expect(created).toEqual([
      { action: 'book.create', n: 1 },
      { action: 'customer.create', n: rows / 2 },
      { action: 'method.add', n: rows / 2 },
      { action: 'schedule.create', n: rows - 1 },
    ]);

    const before = await book.everything();
    const second = await book.run(['schedules', 'import', 'subs.csv', '--json', '--force']);
    expect(JSON.parse(second.stdout)).toMatchObject({ imported: 0, alreadyThere: rows - 1, rejected: 1 });
    expect((await book.everything()) === before).toBe(true);

    const repaired = (await readFile(inFile('subs.csv.rejects.csv'), 'utf8')).replace(',12.505,', ',12.50,');
    await writeFile(inFile('repaired.csv'), repaired);
    const third = await book.run(['schedules', 'import', 'repaired.csv', '--json']);
    expect([third.code, JSON.parse(third.stdout)]).toMatchObject([0, { imported: 1, rejected: 0, rejectsFile: null }]);
    expect(await filesNow()).not.toContain('repaired.csv.rejects.csv');
    const verified = await book.run(['audit', 'verify', '--json']);
    expect(verified.code, verified.stdout).toBe(0);
  }, 300_000);
});

describe('an import that is cut off', () => {
  const rows = 6_000;
  const start = (): ChildProcess =>
    spawn(process.execPath, [BIN, 'schedules', 'import', 'subs.csv'], {
      cwd: folder,
      env: cliEnvironment(folder),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  /** Waits for the first batches to be in the book. */
  const underWay = async (child: ChildProcess): Promise<void> => {
    while (child.exitCode === null && (await book.count('schedules')) === 0) await delay(5);
  };

  it('goes on where it was killed', async () => {
    await writeSchedules(inFile('subs.csv'), rows, [5_500]);
    const counts: number[] = [];
    for (let kill = 0; kill < 2; kill += 1) {
      const child = start();
      const ended = once(child, 'exit');
      const before = await book.count('schedules');
      while (child.exitCode === null && (await book.count('schedules')) === before) await delay(5);
      child.kill('SIGKILL');
      await ended;
      counts.push(await book.count('schedules'));
    }
    // Batches are all or nothing, and a kill landed in the middle of the file.
    expect(counts.every((count) => count % 1000 === 0)).toBe(true);
    expect(counts[0]).toBeLessThan(rows - 1);
    expect(await filesNow()).not.toContain('subs.csv.rejects.csv');

    const rest = await book.run(['schedules', 'import', 'subs.csv', '--json']);
    const document = JSON.parse(rest.stdout);
    expect(document).toMatchObject({ alreadyThere: counts[1], rejected: 1 });
    expect(document.imported + document.alreadyThere).toBe(rows - 1);
    expect(await book.count('schedules')).toBe(rows - 1);
    expect(await book.count('customers')).toBe(rows / 2);
    expect(await book.count('payment_methods')).toBe(rows / 2);
  });

  it('ends at a batch boundary on Ctrl-C and says how to go on', async () => {
    await writeSchedules(inFile('subs.csv'), rows);
    const child = start();
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const ended = once(child, 'close');
    await underWay(child);
    child.kill('SIGINT');
    const [code] = await ended;
    const count = await book.count('schedules');
    expect([code, count % 1000]).toEqual([130, 0]);
    expect(count).toBeLessThan(rows);
    expect(stderr).toContain(`${count} schedules of the first ${count} rows were imported and stand in the book.`);
    expect(stderr).toContain('Import the same file again to go on');
    expect((await filesNow()).filter((name) => name.endsWith('.tmp') || name.includes('rejects'))).toEqual([]);
    const rest = JSON.parse((await book.run(['schedules', 'import', 'subs.csv', '--json'])).stdout);
    expect(rest).toMatchObject({ imported: rows - count, alreadyThere: count });
  });

  it('of two at once each row goes in once', async () => {
    await writeSchedules(inFile('subs.csv'), rows);
    const results = await Promise.all(
      ['a', 'b'].map((name) => book.run(['schedules', 'import', 'subs.csv', '--json', '--rejects', `${name}.csv`])),
    );
    const documents = results.map(({ stdout }) => JSON.parse(stdout));
    expect(results.map(({ code }) => code)).toEqual([0, 0]);
    expect(documents[0].imported + documents[1].imported).toBe(rows);
    expect(documents.map(({ imported, alreadyThere }) => imported + alreadyThere)).toEqual([rows, rows]);
    expect(await book.count('schedules')).toBe(rows);
    expect(await book.count('customers')).toBe(rows / 2);
  });
});

describe('paid_through', () => {
  it('never bills what was paid elsewhere, whatever the run is told to catch up on, and keeps the anchor', async () => {
    const start = '2025-01-31';
    const imported = await book.schedules('subs.csv', [
      scheduleRow(1, { paid_through: '2026-10-31', start }),
      scheduleRow(2, { paid_through: 'none', start: '2026-11-01' }),
      scheduleRow(3, { paid_through: '2027-02-27', start }),
    ]);
    expect(imported.code, imported.stderr).toBe(0);
    const list = await book.run(['schedules', 'list', '--json', '--all']);
    const items: { nextPeriod: string; paidThrough: string | null; start: string; id: string }[] = JSON.parse(
      list.stdout,
    ).items;
    expect(items.map(({ nextPeriod, paidThrough }) => [nextPeriod, paidThrough]).sort()).toEqual([
      ['2026-11-01', null],
      ['2026-11-30', '2026-10-31'],
      ['2027-02-28', '2027-02-27'],
    ]);
    const latest = items.find(({ paidThrough }) => paidThrough === '2027-02-27');
    const shown = await book.run(['schedules', 'show', String(latest?.id)]);
    expect(shown.stdout).toContain('Paid through    2027-02-27');
    const preview = await book.run(['schedules', 'preview', String(latest?.id), '--next', '3', '--json']);
    expect(preview.stdout).toMatch(/2027-02-28[\s\S]*2027-03-31[\s\S]*2027-04-30/);

    for (const [asOf, mode] of [
      ['2026-12-01T12:00:00Z', 'all'],
      ['2027-03-01T12:00:00Z', 'max=500'],
      ['2027-03-02T12:00:00Z', 'all'],
    ]) {
      const run = await book.run(['billing', 'run', '--as-of', String(asOf), '--catch-up', String(mode)]);
      expect(run.code, run.stderr).toBe(0);
    }
    const paid = await rowsOf(
      book.path,
      `SELECT c.period, s.paid_through FROM charges c JOIN schedules s ON s.id = c.schedule_id WHERE c.period <= s.paid_through
       UNION ALL SELECT k.period, s.paid_through FROM skipped_periods k JOIN schedules s ON s.id = k.schedule_id
        WHERE k.period <= s.paid_through`,
    );
    expect(paid).toEqual([]);
    const [billed] = await rowsOf<{ n: number }>(
      book.path,
      `SELECT COUNT(*) AS n FROM charges WHERE period IN ('2026-11-30', '2027-02-28')`,
    );
    expect(billed?.n).toBeGreaterThanOrEqual(2);
    const audit = await rowsOf<{ after: string }>(
      book.path,
      `SELECT after FROM audit_rows WHERE action = 'schedule.create' ORDER BY sequence`,
    );
    expect(audit.map(({ after }) => JSON.parse(after).paidThrough ?? null)).toEqual(['2026-10-31', null, '2027-02-27']);
  });

  it('is defended by the database itself', async () => {
    await book.schedules('subs.csv', [scheduleRow(1)]);
    const forbidden = [
      `UPDATE schedules SET next_period = '2026-10-30'`,
      `UPDATE schedules SET paid_through = NULL`,
      `UPDATE schedules SET paid_through = '2020-01-01'`,
    ];
    for (const sql of forbidden) await expect(execute(book.path, sql)).rejects.toThrow(/paid through/);
    await book.charges('charges.csv', [chargeRow(1, { customer_reference: 'x-1' })]);
    await expect(
      execute(
        book.path,
        `INSERT INTO charges SELECT 'ch_2', customer_id, method_id, gateway, (SELECT id FROM schedules), '2026-10-31', currency,
           amount_minor, 0, 0, 0, 0, intent, status, NULL, NULL, NULL, due_at, NULL, policy, NULL, 0, 0, NULL, 0, NULL, 0, NULL, NULL,
           NULL, metadata, NULL, 1, 1, 1, 1 FROM charges`,
      ),
    ).rejects.toThrow(/paid through/);
  });
});

describe('rows that are refused', () => {
  it('tells each with its line, and masks card numbers', async () => {
    const cases: [code: string, changes: Record<string, string>][] = [
      ['card_number', { description: `card ${PAN}` }],
      ['card_number', { token: '4111 1111 1111 1111' }],
      ['card_number', { 'metadata.plan': '4111-1111-1111-1111' }],
      ['missing_value', { paid_through: '' }],
      ['missing_value', { reference: '' }],
      ['missing_value', { token: '' }],
      ['missing_value', { start: '' }],
      ['missing_value', { customer_reference: '' }],
      ['invalid_time', { paid_through: 'yesterday' }],
      ['invalid_time', { paid_through: '2026-02-30' }],
      ['invalid_time', { paid_through: '9999-12-31' }],
      ['invalid_value', { every: '0 months' }],
      ['invalid_value', { token: 'tok_nope' }],
      ['invalid_value', { policy: 'often' }],
      ['invalid_value', { description: 'two\nlines' }],
      ['invalid_value', { name: 'Ada\u001b[2J' }],
      ['invalid_value', { description: 'x'.repeat(501) }],
      ['invalid_value', { email: 'nobody' }],
      ['invalid_amount', { amount: '-5' }],
      ['invalid_amount', { amount: '1e3' }],
      ['invalid_amount', { amount: '12.505' }],
      ['invalid_amount', { amount: '10000000000000.01' }],
      ['invalid_amount', { amount: '12', amount_minor: '1200' }],
      ['invalid_currency', { currency: 'XXX' }],
      ['invalid_timezone', { timezone: 'Mars/Base' }],
      ['unknown_gateway', { gateway: 'bank' }],
      ['invalid_id', { customer_reference: '', customer: 'cus_1' }],
      ['not_found', { token: '', method: 'pm_01m89fepmy1g690xfvq8n10maa' }],
      ['conflict', { customer_reference: 'c-good', name: 'Somebody Else' }],
    ];
    const good = scheduleRow(0, { customer_reference: 'c-good', name: 'Ada', email: '' });
    const rows = cases.map(([, changes], index) =>
      scheduleRow(index * 2 + 10, {
        gateway: '',
        customer: '',
        method: '',
        timezone: '',
        policy: '',
        amount_minor: '',
        ...changes,
      }),
    );
    const dry = await book.schedules('dry.csv', [good, ...rows], '--dry-run', '--json', '--rejects', 'dry.rejects.csv');
    const result = await book.schedules('subs.csv', [good, ...rows], '--json');
    const [, ...rejects] = (await readFile(inFile('subs.csv.rejects.csv'), 'utf8')).trimEnd().split(/\r\n(?=\d+,)/);
    expect(rejects.map((line) => line.split(',')[1])).toEqual(cases.map(([code]) => code));
    // A quoted line break takes a line of the file.
    expect(rejects.map((line) => Number(line.split(',')[0]))).toEqual(
      cases.map(
        (_, index) =>
          index + 3 + (index > cases.findIndex(([, { description }]) => description === 'two\nlines') ? 1 : 0),
      ),
    );
    expect([result.code, JSON.parse(result.stdout)]).toMatchObject([1, { imported: 1, rejected: cases.length }]);
    const { rejectsFile, file, dryRun, ...told } = JSON.parse(dry.stdout);
    expect(JSON.parse(result.stdout)).toMatchObject(told);
    expect(await readFile(inFile('dry.rejects.csv'), 'utf8')).toBe(
      await readFile(inFile('subs.csv.rejects.csv'), 'utf8'),
    );
    for (const name of await filesNow()) {
      if (name === 'subs.csv' || name === 'dry.csv') continue;
      const bytes = await readFile(inFile(name), 'latin1').catch(() => '');
      for (const pan of [PAN, '4111 1111 1111 1111', '4111-1111-1111-1111'])
        expect(bytes.includes(pan), name).toBe(false);
    }
    // As it is, nothing of it goes in, masked cells included.
    const again = await book.run(['schedules', 'import', 'subs.csv.rejects.csv', '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ imported: 0, alreadyThere: 0, rejected: cases.length });
  });

  it('refuses the same reference with other values, in the file and in the book', async () => {
    const row = scheduleRow(1);
    const first = await book.schedules('a.csv', [row, row, { ...row, amount: '99.00' }], '--json');
    expect(JSON.parse(first.stdout)).toMatchObject({
      imported: 1,
      alreadyThere: 1,
      rejectedBy: { idempotency_conflict: 1 },
    });
    const second = await book.schedules('b.csv', [{ ...row, paid_through: '2026-09-30' }], '--json');
    expect(JSON.parse(second.stdout)).toMatchObject({ imported: 0, rejectedBy: { idempotency_conflict: 1 } });
    expect(await rejectsOf('b.csv').then(([, line]) => line)).toMatch(
      /^2,idempotency_conflict,"reference: it was used for sch_/,
    );
  });

  it('does not bring back a method that was removed or blocked', async () => {
    await book.schedules('a.csv', [
      scheduleRow(1, { token: 'tok_lost_card', paid_through: 'none', start: '2026-11-01' }),
    ]);
    await book.run(['billing', 'run', '--as-of', '2026-12-02T00:00:00Z']);
    const again = await book.schedules(
      'b.csv',
      [scheduleRow(0, { reference: 'new', token: 'tok_lost_card' })],
      '--json',
    );
    expect(JSON.parse(again.stdout)).toMatchObject({ imported: 0, rejectedBy: { method_blocked: 1 } });
  });
});

describe('files', () => {
  it('takes a byte order mark, CRLF, quotes and another delimiter', async () => {
    const text = csvOf(SCHEDULE_HEADING, [scheduleRow(1, { description: 'Gold, "best"' }), scheduleRow(2)]);
    await writeFile(inFile('windows.csv'), `\ufeff${text.replaceAll('\n', '\r\n')}\r\n`);
    expect((await book.run(['schedules', 'import', 'windows.csv'])).code).toBe(0);
    const semicolons = csvOf(SCHEDULE_HEADING, [scheduleRow(3)]).replaceAll(',', ';');
    await writeFile(inFile('semi.csv'), semicolons.trimEnd());
    expect((await book.run(['schedules', 'import', 'semi.csv', '--delimiter', ';'])).code).toBe(0);
    const rows = await rowsOf<{ description: string }>(book.path, 'SELECT description FROM schedules ORDER BY id');
    expect(rows.map(({ description }) => description)).toEqual(['Gold, "best"', 'Subscription', 'Subscription']);
  });

  it('refuses what is wrong as a whole before anything is written', async () => {
    const good = csvOf(SCHEDULE_HEADING, [scheduleRow(1)]);
    const before = await book.everything();
    const cases: [name: string, content: string | Buffer, said: RegExp, code: number, flags?: string[]][] = [
      ['unknown.csv', good.replace('currency', 'curency'), /"curency" that is not known.*Did you mean currency\?/s, 2],
      ['missing.csv', 'reference,name\n', /lacks the columns paid_through, currency/, 2],
      ['twice.csv', good.replace('email', 'name'), /the column name twice/, 2],
      ['empty.csv', '', /lacks the columns/, 2],
      ['latin1.csv', Buffer.from(good.replace('Customer 0', 'Zoë'), 'latin1'), /not UTF-8 text, at or after line 2/, 5],
      ['semicolons.csv', good.replaceAll(',', ';'), /--delimiter/, 2],
      ['utf16.csv', Buffer.from(`\ufeff${good}`, 'utf16le'), /not UTF-8/, 5],
      ['good.csv', good, /--delimiter takes one of/, 2, ['--delimiter', '::']],
      [
        'good.csv',
        good,
        /good.csv can't be written: it is a file that bursar itself needs/,
        2,
        ['--rejects', 'good.csv'],
      ],
      ['good.csv', good, /it is a file that bursar itself needs/, 2, ['--rejects', 'book.db', '--force']],
      ['good.csv', good, /its folder does not exist/, 2, ['--rejects', 'none/rejects.csv']],
    ];
    for (const [name, content, said, code, flags = []] of cases) {
      await writeFile(inFile(name), content);
      const result = await book.run(['schedules', 'import', name, ...flags]);
      expect([result.code, result.stderr]).toEqual([code, expect.stringMatching(said)]);
      expect(result.stderr).toContain('Nothing was imported.');
    }
    for (const path of ['none.csv', '.', '']) {
      const result = await book.run(['schedules', 'import', path]);
      expect([result.code, result.stderr]).toEqual([2, expect.stringContaining('Nothing was imported.')]);
    }
    expect((await book.everything()) === before).toBe(true);
    expect((await filesNow()).filter((name) => name.includes('rejects'))).toEqual([]);
  });

  it('stops at a quote that is never closed, and tells what went in before it', async () => {
    const rows = Array.from({ length: 2_500 }, (_, index) => scheduleRow(index));
    const text = csvOf(SCHEDULE_HEADING, rows).replace('sub-0002400', '"sub-0002400');
    await writeFile(inFile('open.csv'), text);
    const result = await book.run(['schedules', 'import', 'open.csv']);
    expect([result.code, result.stderr]).toEqual([5, expect.stringContaining('the quote that opens on line 2402')]);
    expect(await book.count('schedules')).toBe(2_000);
    expect(result.stderr).toContain('2000 schedules of the first 2000 rows were imported');
  });

  it('rejects a row with a stray quote alone', async () => {
    const rows = [scheduleRow(1), scheduleRow(2, { description: 'STRAY' }), scheduleRow(3)];
    await writeFile(inFile('stray.csv'), csvOf(SCHEDULE_HEADING, rows).replace('STRAY', '5" pipe'));
    const result = await book.run(['schedules', 'import', 'stray.csv', '--json']);
    expect(JSON.parse(result.stdout)).toMatchObject({ imported: 2, rejected: 1 });
    expect((await rejectsOf('stray.csv'))[1]).toMatch(/^3,invalid_value,It is not CSV/);
  });
});

describe('charges import', () => {
  it('makes pending charges, which the next billing run collects once', async () => {
    const rows = [chargeRow(1), chargeRow(2, { due: '2027-05-01' }), chargeRow(3, { amount: '', amount_minor: '990' })];
    const first = await book.charges('charges.csv', rows, '--json');
    expect(JSON.parse(first.stdout)).toMatchObject({ kind: 'charges', imported: 3, dueNow: 2, customersCreated: 3 });
    const statuses = async (): Promise<string[]> =>
      (await rowsOf<{ status: string }>(book.path, 'SELECT status FROM charges ORDER BY id')).map(
        ({ status }) => status,
      );
    expect(await statuses()).toEqual(['pending', 'pending', 'pending']);
    expect(await book.count('attempts')).toBe(0);
    expect((await book.run(['billing', 'run'])).code).toBe(0);
    expect(await statuses()).toEqual(['captured', 'pending', 'captured']);
    const second = await book.charges('charges.csv', rows, '--json');
    expect(JSON.parse(second.stdout)).toMatchObject({ imported: 0, alreadyThere: 3 });
    expect((await book.run(['billing', 'run'])).code).toBe(0);
    expect(await book.count('attempts')).toBe(2);
    const [sum] = await rowsOf<{ minor: number }>(book.path, 'SELECT SUM(captured_minor) AS minor FROM charges');
    expect(sum?.minor).toBe(1250 + 990);
  });

  it('asks before it fills a live book, and takes no play money into it', async () => {
    await book.run(['init', '--book', './live.db', '--mode', 'live']);
    await writeFile(inFile('charges.csv'), csvOf(Object.keys(chargeRow(1)), [chargeRow(1)]));
    const off = await book.run(['charges', 'import', 'charges.csv', '--book', './live.db']);
    expect([off.code, off.stderr]).toEqual([2, expect.stringContaining('has to be confirmed')]);
    const yes = await book.run(['charges', 'import', 'charges.csv', '--book', './live.db', '--yes', '--json']);
    expect(JSON.parse(yes.stdout)).toMatchObject({ imported: 0, rejectedBy: { gateway_refused: 1 } });
  });
});
