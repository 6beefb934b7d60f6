// What `doctor` finds, each with a book that has the trouble and one that has not.
import { chmod, open } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sealPending } from '../../src/audit/seal.ts';
import { noCounts, type Run, type RunStatus, type StoppedBy } from '../../src/billing/run.ts';
import { insertRun, updateRun } from '../../src/billing/runs-store.ts';
import { resolveAttempt } from '../../src/charges/resolve.ts';
import type { Config } from '../../src/config/schema.ts';
import type { ExitCode } from '../../src/errors.ts';
import type { Outcome } from '../../src/gateways/gateway.ts';
import { newId } from '../../src/ids.ts';
import { examine, examineBook, type PlacedFinding } from '../../src/inspection/doctor.ts';
import { cancelSchedule } from '../../src/schedules/cancel.ts';
import { insertSkippedPeriods } from '../../src/schedules/schedules-store.ts';
import { select } from '../../src/storage/batch.ts';
import { Owner } from '../../src/storage/lease.ts';
import { openBook } from '../../src/storage/open.ts';
import { thisProcess } from '../../src/storage/process-identity.ts';
import { readTrx, writeTrx } from '../../src/storage/trx.ts';
import { type SchedulesBook, schedulesBook } from '../support/schedules-book.ts';
import { scripted, UNKNOWN } from '../support/scripted-gateway.ts';
import { tamper } from '../support/tamper.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let book: SchedulesBook;
const script = scripted();
beforeEach(async () => {
  Object.assign(script, { sends: [], lookups: [], cancels: [] });
  book = await schedulesBook(script.wrap);
});
afterEach(() => book.close());

interface Seen {
  found: [code: string, subject: string | null][];
  findings: PlacedFinding[];
  exitCode: ExitCode;
}

/** What is found in one area of the page. `config` adds the surroundings, with these settings in force. */
async function look(area: string, config?: Config): Promise<Seen> {
  const { book: opened, clock } = book;
  const surroundings = {
    where: opened.where,
    loaded: { path: null, config: config ?? {} },
    gateways: config?.gateways ?? { simulated: { type: 'simulated' as const } },
    env: { HOME: '/nonexistent' },
    cwd: '/',
  };
  const { report, exitCode } = await readTrx(opened, (trx) =>
    examine({ db: trx, nowMs: clock.nowMs(), ...(config === undefined ? {} : { surroundings }) }),
  );
  expect(report.areas.map((each) => each.area)).toContain(area);
  const findings = report.findings.filter((finding) => finding.area === area);
  for (const { command, message } of report.findings) {
    expect([command, message]).toEqual([
      expect.stringMatching(/^(bursar|ps|ls|chmod|df) /),
      expect.stringMatching(/[.?]$/),
    ]);
  }
  return { found: findings.map(({ code, subject }) => [code, subject]), findings, exitCode };
}

async function one<T>(sql: string): Promise<T> {
  const [row] = await select<T>(book.book.reader, sql);
  if (row === undefined) throw new Error(`nothing: ${sql}`);
  return row;
}

test('a book in order: every area is looked at, and nothing is found', async () => {
  await book.schedule('tok_approved');
  await book.billAt('2026-01-31T09:00:00Z');
  expect((await look('Seals')).found).toEqual([['rows_unsealed', null]]);
  await sealPending(book.book, book.clock);
  const { report, exitCode } = await readTrx(book.book, (trx) => examine({ db: trx, nowMs: book.clock.nowMs() }));
  expect([report.ok, report.findings, exitCode, report.skipped]).toEqual([true, [], 0, []]);
  expect(report.areas.filter(({ worst }) => worst !== null)).toEqual([]);
  expect(report.checked).toMatchObject({ charges: 1, openAttempts: 0, runs: 1, overdueSchedules: 0, unsealedRows: 0 });
});

test('--fast leaves out what recomputes the book, and says so', async () => {
  await tamper(book.book, `UPDATE book SET schema_version = schema_version`);
  const { charge } = await book.create('tok_approved');
  await tamper(book.book, `UPDATE charges SET captured_minor = 1 WHERE id = '${charge.id}'`);
  const patient = { nowMs: book.clock.nowMs() };
  const fast = await readTrx(book.book, (trx) => examine({ db: trx, ...patient }, { isFast: true }));
  expect([fast.exitCode, fast.report.skipped]).toEqual([0, ['Ledger and audit log']]);
  const whole = await readTrx(book.book, (trx) => examine({ db: trx, ...patient }));
  expect([whole.exitCode, whole.report.skipped]).toEqual([5, []]);
});

test('many unknowns: a few are named, the rest is counted', async () => {
  script.sends.push(...Array.from({ length: 23 }, () => UNKNOWN));
  const methodId = await book.method('tok_approved');
  const { createCharge } = await import('../../src/charges/operations.ts');
  for (let made = 0; made < 23; made += 1) await createCharge(book.pipeline, book.request(methodId));
  const { findings, exitCode } = await look('Attempts');
  expect(exitCode).toBe(4);
  expect(findings.filter(({ code }) => code === 'attempt_unknown')).toHaveLength(20);
  expect(findings.at(-1)).toMatchObject({ code: 'attempts_unknown', message: expect.stringContaining('3 more') });
});

test.each([
  ['settling', 'attempt_settling'],
  ['requires_action', 'attempt_requires_action'],
])('an attempt that is %s needs no exit status', async (outcome, code) => {
  script.sends.push(UNKNOWN);
  const { charge } = await book.create('tok_approved');
  await tamper(book.book, `UPDATE attempts SET outcome = '${outcome}'`, `UPDATE charges SET status = '${outcome}'`);
  const { found, exitCode } = await look('Attempts');
  const { id } = await one<{ id: string }>(`SELECT id FROM attempts WHERE charge_id = '${charge.id}'`);
  expect([found, exitCode]).toEqual([[[code, id]], 0]);
});

/** An attempt that a process with this identity has open. */
async function heldBy(changes: { pid?: number; expiresInMs?: number; isRegistered?: boolean }): Promise<string> {
  script.sends.push(UNKNOWN);
  await book.create('tok_approved');
  const { host, pidNamespace, pid, processStart } = thisProcess();
  const id = newId('owner', book.clock.nowMs());
  const expiresAt = book.clock.nowMs() + (changes.expiresInMs ?? 60_000);
  if (changes.isRegistered ?? true) {
    await tamper(
      book.book,
      `INSERT INTO owners VALUES ('${id}', '${host}', '${pidNamespace}', ${changes.pid ?? pid}, '${processStart}', 'billing run',
         ${book.clock.nowMs()}, ${expiresAt})`,
    );
  }
  await tamper(
    book.book,
    `UPDATE attempts SET outcome = NULL, owner_id = '${id}'`,
    `UPDATE charges SET status = 'processing'`,
  );
  return id;
}

test('a living process that renews its lease is in order', async () => {
  await heldBy({});
  expect((await look('Leases')).found).toEqual([]);
  expect((await look('Attempts')).found).toEqual([['attempt_sending', expect.stringMatching(/^att_/)]]);
});

test('a process that is gone, and one that nobody knows, hold attempts', async () => {
  const dead = await heldBy({ pid: 2 ** 22 + 1 });
  const { found, exitCode } = await look('Leases');
  expect([found, exitCode]).toEqual([[['lease_dead', dead]], 4]);
  await tamper(book.book, 'DELETE FROM owners');
  expect((await look('Leases')).found).toEqual([['lease_dead', dead]]);
});

test.each([10_000, -5_000])('a living process that has not renewed its lease (%i ms left)', async (expiresInMs) => {
  const id = await heldBy({ expiresInMs });
  const { found, findings } = await look('Leases');
  expect(found).toEqual([['lease_not_renewed', id]]);
  expect(findings[0]?.command).toBe(`ps -o pid,stat,etime,args -p ${process.pid}`);
});

test('a named lease of a process that is gone', async () => {
  const owner = new Owner(book.book, book.clock, 'billing run');
  await owner.acquire('planning');
  expect((await look('Leases')).found).toEqual([]);
  await owner.release();
  expect((await look('Leases')).found).toEqual([['lease_abandoned', 'planning']]);
});

async function ranOnce(status: RunStatus, stoppedBy: StoppedBy | null, ownerId: string): Promise<string> {
  const startedAt = book.clock.nowMs();
  const run: Run = {
    id: newId('run', startedAt),
    kind: 'billing',
    status,
    dryRun: false,
    asOf: startedAt,
    startedAt,
    finishedAt: status === 'running' ? null : startedAt,
    stoppedBy,
    counts: noCounts(),
    totals: new Map(),
  };
  await writeTrx(book.book, async (trx) => {
    await insertRun(trx, run, ownerId, 'tester');
    if (status !== 'running') await updateRun(trx, run);
  });
  return run.id;
}

test.each([
  ['stopped', 'max_amount', 'run_stopped', 'bursar billing show'],
  ['interrupted', 'interrupted', 'run_interrupted', 'bursar billing run'],
  ['finished', 'paused', 'run_held_back', 'bursar billing show'],
  ['finished', null, null, null],
] as const)('a last run that %s (%s)', async (status, stoppedBy, code, command) => {
  const id = await ranOnce(status, stoppedBy, 'own_x');
  const { found, findings } = await look('Runs');
  expect(found).toEqual(code === null ? [] : [[code, id]]);
  if (command !== null) expect(findings[0]?.command).toContain(command);
});

test('a run whose process is gone, and one whose process lives', async () => {
  const owner = new Owner(book.book, book.clock, 'billing run');
  await owner.hold();
  const id = await ranOnce('running', null, owner.id);
  expect((await look('Runs')).found).toEqual([['run_running', id]]);
  await owner.release();
  expect((await look('Runs')).found).toEqual([['run_gone', id]]);
});

test('periods that nobody has come by for', async () => {
  const schedule = await book.schedule('tok_approved');
  book.clock.advance(Date.parse('2026-02-01T08:00:00Z') - book.clock.nowMs());
  expect(await look('Periods')).toMatchObject({ found: [], exitCode: 0 });
  book.clock.advance(2 * HOUR_MS);
  expect(await look('Periods')).toMatchObject({ found: [['periods_missed', schedule.id]], exitCode: 4 });
  await cancelSchedule(book.pipeline, schedule.id, { keepOpen: false, reason: null });
  expect(await look('Periods')).toMatchObject({ found: [], exitCode: 0 });
});

test('charges that were to be tried and were not', async () => {
  const { charge } = await book.create('tok_insufficient_funds', { policy: 'standard' });
  expect((await look('Periods')).found).toEqual([]);
  book.clock.advance(4 * DAY_MS);
  const { found, findings, exitCode } = await look('Periods');
  expect([found, exitCode]).toEqual([[['charges_overdue', charge.id]], 4]);
  expect(findings[0]?.message).toContain('12.50 USD');
});

test('periods that a run has passed over lately', async () => {
  const schedule = await book.schedule('tok_approved');
  const skipped = { scheduleId: schedule.id, dueAt: 0, reason: 'catch-up: latest', runId: null };
  const periods = ['2025-11-30', '2025-12-31'].map((period) => ({ ...skipped, period }));
  await writeTrx(book.book, (trx) => insertSkippedPeriods(trx, periods, book.clock.nowMs()));
  const { found, findings, exitCode } = await look('Periods');
  expect([found, exitCode]).toEqual([[['periods_skipped', schedule.id]], 0]);
  expect(findings[0]?.message).toContain('2 periods up to 2025-12-31');
  book.clock.advance(8 * DAY_MS);
  expect((await look('Periods')).found).toEqual([]);
});

test('rows of the audit log that stay unsealed', async () => {
  await book.create('tok_approved');
  expect((await look('Seals')).found).toEqual([]);
  book.clock.advance(HOUR_MS + 1);
  expect((await look('Seals')).found).toEqual([['rows_unsealed', null]]);
  await sealPending(book.book, book.clock);
  expect((await look('Seals')).found).toEqual([]);
});

test.each([
  ['blocked', `blocked_at = 1, blocked_code = 'lost_card'`],
  ['removed', 'removed_at = 1'],
])('a method that was %s and that an active schedule charges', async (_, change) => {
  const schedule = await book.schedule('tok_approved');
  expect((await look('Payment methods')).found).toEqual([]);
  await tamper(book.book, `UPDATE payment_methods SET ${change}`);
  const { found, findings } = await look('Payment methods');
  expect(found).toEqual([['method_dead', schedule.methodId]]);
  expect(findings[0]?.command).toBe(`bursar methods add --customer ${book.customerId} --replaces ${schedule.methodId}`);
  await cancelSchedule(book.pipeline, schedule.id, { keepOpen: false, reason: null });
  expect((await look('Payment methods')).found).toEqual([]);
});

test('a decline that no table maps, and one that an operator made of an unknown', async () => {
  const unmapped: Outcome = {
    kind: 'declined',
    decline: 'unknown_decline',
    reference: null,
    providerCode: 'R99',
    providerMessage: null,
  };
  script.sends.push(UNKNOWN);
  const { charge } = await book.create('tok_approved');
  const { id } = await one<{ id: string }>(`SELECT id FROM attempts WHERE charge_id = '${charge.id}'`);
  const word = { reason: 'asked', reference: null, force: true, dryRun: false };
  await resolveAttempt(book.pipeline, { attemptId: id, as: 'declined', ...word });
  expect((await look('Declines')).found).toEqual([]);
  script.sends.push(unmapped, unmapped);
  await book.create('tok_approved');
  await book.create('tok_approved');
  const { found, findings } = await look('Declines');
  expect(found).toEqual([['decline_unmapped', 'simulated R99']]);
  expect(findings[0]?.message).toContain('2 attempts');
  book.clock.advance(8 * DAY_MS);
  expect((await look('Declines')).found).toEqual([]);
});

test('a charge that waits for its customer, and one that has a time', async () => {
  await book.create('tok_insufficient_funds', { policy: 'standard' });
  expect((await look('Waiting charges')).found).toEqual([]);
  const { charge } = await book.create('tok_expired_card', { policy: 'standard' });
  expect((await look('Waiting charges')).found).toEqual([['charge_waiting', charge.id]]);
});

test('what the book names and the configuration has no more', async () => {
  await book.schedule('tok_approved', { policy: 'standard' });
  expect(await look('Configuration', {})).toMatchObject({ found: [], exitCode: 0 });
  const other: Config = { gateways: { other: { type: 'simulated' } } };
  expect(await look('Configuration', other)).toMatchObject({ found: [['gateway_missing', 'simulated']], exitCode: 7 });
  await tamper(book.book, `UPDATE schedules SET policy = 'gentle'`);
  expect(await look('Configuration', {})).toMatchObject({ found: [['policy_missing', 'gentle']], exitCode: 7 });
  expect(await look('Configuration', { policies: { gentle: { soft: ['3 days'] } } })).toMatchObject({ found: [] });
});

test('a gateway that only methods name needs no exit status', async () => {
  await book.method('tok_approved');
  const { findings, exitCode } = await look('Configuration', { gateways: { other: { type: 'simulated' } } });
  expect([findings[0]?.code, findings[0]?.severity, exitCode]).toEqual(['gateway_missing', 'warning', 0]);
});

test('another book of the configuration that is missing is told, this one is an error', async () => {
  const elsewhere = await look('Configuration', { books: { archive: { url: '/nonexistent/archive.db' } } });
  expect([elsewhere.found, elsewhere.exitCode]).toEqual([[['book_missing', 'books.archive']], 0]);
});

test('a book that others may read', async () => {
  await chmod(book.book.where, 0o644);
  expect(await look('Configuration', {})).toMatchObject({ found: [['book_readable', book.book.where]], exitCode: 0 });
  await chmod(book.book.where, 0o600);
  expect((await look('Configuration', {})).found).toEqual([]);
});

test('a book that breaks while it is examined: the report says so, and what can be asked is asked', async () => {
  for (let made = 0; made < 40; made += 1) await book.create('tok_approved', { description: 'x'.repeat(400) });
  const { where } = book.book;
  await book.book.db.raw('PRAGMA wal_checkpoint(TRUNCATE)');
  const { rootpage } = await one<{ rootpage: number }>(`SELECT rootpage FROM sqlite_master WHERE name = 'attempts'`);
  const file = await open(where, 'r+');
  await file.write(Buffer.alloc(4096, 0xff), 0, 4096, (rootpage - 1) * 4096);
  await file.close();
  const damaged = await openBook(where);
  const { report, exitCode } = await examineBook(damaged, { nowMs: book.clock.nowMs() });
  await damaged.close();
  expect(exitCode).toBe(5);
  expect(report.findings).toContainEqual(expect.objectContaining({ code: 'corrupt_book', severity: 'error' }));
  expect(report.areas.find(({ area }) => area === 'Runs')?.worst).toBe(null);
});

test('a book that has sent, by somebody whose state directory knows nothing of it', async () => {
  const found = async (mark: number): Promise<string[]> => {
    const { report } = await readTrx(book.book, (trx) =>
      examine({ db: trx, nowMs: book.clock.nowMs(), mark: Promise.resolve(mark) }),
    );
    return report.findings.filter(({ area }) => area === 'Quarantine').map(({ code }) => code);
  };
  expect(await found(0)).toEqual([]);
  await book.create('tok_approved');
  expect(await found(0)).toEqual(['mark_missing']);
  expect(await found(1)).toEqual([]);
  expect(await found(99)).toEqual(['quarantined']);
});
