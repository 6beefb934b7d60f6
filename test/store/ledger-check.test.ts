// `ledger check` and `doctor` on a book that somebody has changed behind bursar's back: each kind of change is named, with
// the row it is in.
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Charge } from '../../src/charges/charge.ts';
import { captureCharge, refundCharge, replayCharges, voidCharge } from '../../src/charges/operations.ts';
import { examine } from '../../src/inspection/doctor.ts';
import { checkLedger } from '../../src/inspection/ledger-check.ts';
import { closeMonth } from '../../src/ledger/balances.ts';
import { monthOf } from '../../src/ledger/ledger.ts';
import { select } from '../../src/storage/batch.ts';
import { readTrx, writeTrx } from '../../src/storage/trx.ts';
import { type ChargesBook, chargesBook } from '../support/charges-book.ts';
import { APPROVED, DECLINED, scripted, UNKNOWN } from '../support/scripted-gateway.ts';
import { tamper } from '../support/tamper.ts';

let charges: ChargesBook;
let captured: Charge;
let declined: Charge;
let refunded: Charge;
const script = scripted();

/** A captured charge, a declined one, one refunded in part, one captured in two steps, one voided. */
beforeEach(async () => {
  Object.assign(script, { sends: [], lookups: [], cancels: [] });
  charges = await chargesBook(script.wrap);
  const { pipeline, create } = charges;
  const refund = (id: string, amountMinor: bigint) =>
    refundCharge(pipeline, id, { amountMinor, reason: null, idempotencyKey: null });
  captured = (await create('tok_approved')).charge;
  script.sends.push(DECLINED);
  declined = (await create('tok_approved')).charge;
  refunded = (await create('tok_approved', { amountMinor: 5000n })).charge;
  await refund(refunded.id, 1000n);
  await refund(refunded.id, 500n);
  const authorized = (await create('tok_approved', { intent: 'authorize', currency: 'JPY' })).charge;
  await captureCharge(pipeline, authorized.id, 1000n);
  await voidCharge(pipeline, (await create('tok_approved', { intent: 'authorize' })).charge.id);
});
afterEach(() => charges.close());

const check = (deep = false) => readTrx(charges.book, (trx) => checkLedger(trx, { deep }));
const doctor = () => readTrx(charges.book, (trx) => examine({ db: trx, nowMs: charges.clock.nowMs() }));

/** Codes and subjects of what is wrong, without what the audit log says. */
const findings = async (): Promise<[string, string | null][]> => {
  const { ok, findings } = await check();
  expect(ok).toBe(false);
  for (const { command, message } of findings)
    expect([command, message]).toEqual([expect.stringMatching(/^bursar /), expect.stringMatching(/\.$/)]);
  return findings.map(({ code, subject }) => [code, subject]);
};

const entryOf = (charge: Charge, kind: string): Promise<{ id: string; attempt_id: string }> =>
  one(
    `SELECT id, attempt_id FROM journal_entries WHERE charge_id = '${charge.id}' AND kind = '${kind}' ORDER BY id LIMIT 1`,
  );
const attemptOf = (charge: Charge): Promise<{ id: string }> =>
  one(`SELECT id FROM attempts WHERE charge_id = '${charge.id}' ORDER BY number LIMIT 1`);

async function one<T>(sql: string): Promise<T> {
  const [row] = await select<T>(charges.book.reader, sql);
  if (row === undefined) throw new Error(`nothing: ${sql}`);
  return row;
}

test('a book that nobody has changed', async () => {
  const expected = {
    ok: true,
    checked: { charges: 5, attempts: 9, refunds: 2, entries: 5, postings: 5, auditRows: 25, seals: 0 },
    findings: [],
  };
  const { auditRows: _, ...counts } = expected.checked;
  expect(await check()).toMatchObject({ ...expected, checked: counts });
  expect(await check(true)).toMatchObject({ ok: true });
  expect((await doctor()).exitCode).toBe(0);
});

test('an empty book', async () => {
  await charges.close();
  charges = await chargesBook();
  expect(await check()).toMatchObject({ ok: true, checked: { charges: 0, auditRows: 0 } });
});

test('an unknown, a duplicate and open refunds are in order', async () => {
  script.sends.push(UNKNOWN);
  const { charge } = await charges.create('tok_approved');
  expect(await check()).toMatchObject({ ok: true });
  const { exitCode, report } = await doctor();
  expect([exitCode, report.ok]).toEqual([4, false]);
  expect(report.findings[0]).toMatchObject({ code: 'attempt_unknown', command: 'bursar billing run' });
  const open = await attemptOf(charge);
  script.sends.push(UNKNOWN);
  await refundCharge(charges.pipeline, captured.id, { amountMinor: 300n, reason: null, idempotencyKey: null });
  await charges.pipeline.settle({ attemptId: open.id, outcome: APPROVED, source: 'lookup' });
  expect(await check()).toMatchObject({ findings: [] });
  // Declined, collected by a second attempt, and then the first turns out to have been approved.
  const first = await attemptOf(declined);
  await replayCharges(charges.pipeline, [declined.id], 'again');
  const { attempt } = await charges.pipeline.settle({ attemptId: first.id, outcome: APPROVED, source: 'lookup' });
  expect(attempt.outcome).toBe('duplicate');
  expect(await check()).toMatchObject({ ok: true });
});

test.each([
  ['a changed status', `status = 'cancelled'`, 'charge_status'],
  ['a flipped amount', 'captured_minor = 1', 'charge_captured'],
  ['an invented refund', 'refunded_minor = 5', 'charge_refunded'],
  ['an invented reservation', 'refund_reserved_minor = 5', 'charge_reserved'],
  ['an invented authorization', 'authorized_minor = 5', 'charge_authorized'],
  ['another count of attempts', 'attempt_count = 7', 'attempt_missing'],
])('a charge: %s', async (_, change, code) => {
  await tamper(charges.book, `UPDATE charges SET ${change} WHERE id = '${captured.id}'`);
  expect(await findings()).toContainEqual([code, captured.id]);
});

test('a failed charge that says it was captured', async () => {
  await tamper(charges.book, `UPDATE charges SET status = 'captured' WHERE id = '${declined.id}'`);
  expect(await findings()).toEqual([['charge_status', declined.id]]);
});

test('the amount of a charge that was collected, and of one that was not', async () => {
  const ids = [captured.id, declined.id];
  await tamper(charges.book, `UPDATE charges SET amount_minor = amount_minor + 1 WHERE id IN ('${ids.join("', '")}')`);
  expect(new Set(await findings())).toEqual(new Set(ids.map((id) => ['charge_amount', id])));
});

test('an attempt: another amount, another outcome, another currency, gone', async () => {
  const { id } = await attemptOf(captured);
  const entry = await entryOf(captured, 'captured');
  await tamper(charges.book, `UPDATE attempts SET amount_minor = 9 WHERE id = '${id}'`);
  let found = await findings();
  expect(found).toContainEqual(['charge_captured', captured.id]);
  expect(found).toContainEqual(['posting_amount', entry.id]);
  expect(found).toContainEqual(['control_account', 'assets:gateway:simulated USD']);
  await tamper(charges.book, `UPDATE attempts SET amount_minor = 1250, outcome = 'declined' WHERE id = '${id}'`);
  found = await findings();
  expect(found).toContainEqual(['charge_status', captured.id]);
  expect(found).toContainEqual(['entry_unexpected', entry.id]);
  await tamper(charges.book, `UPDATE attempts SET outcome = 'approved', currency = 'EUR' WHERE id = '${id}'`);
  found = await findings();
  expect(found).toContainEqual(['attempt_currency', captured.id]);
  expect(found).toContainEqual(['posting_amount', entry.id]);
  await tamper(charges.book, `DELETE FROM attempts WHERE id = '${id}'`);
  found = await findings();
  expect(found).toContainEqual(['attempt_missing', captured.id]);
  expect(found).toContainEqual(['entry_unexpected', entry.id]);
});

test('two approved collections of one charge', async () => {
  const { id } = await attemptOf(captured);
  await tamper(
    charges.book,
    'DROP INDEX attempts_collect',
    `CREATE TABLE copy AS SELECT * FROM attempts WHERE id = '${id}'`,
    `UPDATE copy SET id = 'att_' || substr('${id}', 5, 22) || 'zzzz', number = 2`,
    'INSERT INTO attempts SELECT * FROM copy',
    'DROP TABLE copy',
  );
  const found = await findings();
  expect(found).toContainEqual(['collected_twice', captured.id]);
  expect(found).toContainEqual(['entry_missing', expect.stringMatching(/zzzz$/)]);
});

test('a posting: deleted, of another amount, in another currency, on other accounts, doubled, in another month', async () => {
  const { id } = await entryOf(captured, 'captured');
  const change = (set: string): Promise<void> =>
    tamper(charges.book, `UPDATE postings SET ${set} WHERE entry_id = '${id}'`);
  await change('amount_minor = 1');
  let found = await findings();
  expect(found).toContainEqual(['posting_amount', id]);
  expect(found).toContainEqual(['control_account', 'revenue:sales USD']);
  await change(`amount_minor = 1250, currency = 'JPY'`);
  found = await findings();
  expect(found).toContainEqual(['posting_amount', id]);
  expect(found).toContainEqual(['posting_wrong', id]);
  await change(`currency = 'USD', debit_account = credit_account + 100, month = 199901`);
  expect(await findings()).toContainEqual(['posting_wrong', id]);
  await change(`debit_account = (SELECT id FROM accounts WHERE name = 'revenue:refunds')`);
  expect(await findings()).toContainEqual(['posting_account', id]);
  await change(`debit_account = (SELECT id FROM accounts WHERE name LIKE 'assets:%' AND currency = 'USD')`);
  expect(await findings()).toContainEqual(['posting_wrong', id]);
  await change(`month = CAST(strftime('%Y%m', ${charges.clock.nowMs()} / 1000, 'unixepoch') AS INTEGER)`);
  expect(await check()).toMatchObject({ findings: [] });
  await tamper(
    charges.book,
    `INSERT INTO postings SELECT entry_id, 2, month, debit_account, credit_account, currency, amount_minor FROM postings WHERE entry_id = '${id}'`,
  );
  expect(await findings()).toContainEqual(['posting_doubled', id]);
  await tamper(charges.book, `DELETE FROM postings WHERE entry_id = '${id}'`);
  expect(await findings()).toContainEqual(['posting_missing', id]);
});

test('an entry: deleted, doubled, of another kind, of another charge', async () => {
  const { id, attempt_id } = await entryOf(refunded, 'refunded');
  await tamper(charges.book, `UPDATE journal_entries SET kind = 'captured' WHERE id = '${id}'`);
  expect(await findings()).toContainEqual(['entry_wrong', id]);
  await tamper(
    charges.book,
    `UPDATE journal_entries SET kind = 'refunded', charge_id = '${captured.id}' WHERE id = '${id}'`,
  );
  expect(await findings()).toContainEqual(['entry_wrong', id]);
  await tamper(
    charges.book,
    `UPDATE journal_entries SET charge_id = '${refunded.id}' WHERE id = '${id}'`,
    `INSERT INTO journal_entries SELECT 'je_twice', kind, charge_id, attempt_id, reverses_id, reason, posted_at FROM journal_entries WHERE id = '${id}'`,
    `INSERT INTO postings SELECT 'je_twice', line, month, debit_account, credit_account, currency, amount_minor FROM postings WHERE entry_id = '${id}'`,
  );
  const found = await findings();
  expect(found).toContainEqual(['entry_doubled', 'je_twice']);
  expect(found).toContainEqual(['control_account', 'revenue:refunds USD']);
  await tamper(charges.book, `DELETE FROM journal_entries WHERE id IN ('je_twice', '${id}')`);
  const missing = await findings();
  expect(missing).toContainEqual(['entry_missing', attempt_id]);
  expect(missing).toContainEqual(['posting_wrong', 'je_twice']);
  expect(missing).toContainEqual(['row_dangling', 'postings']);
});

test('an entry made by hand that can not be: nothing posted, reversing nothing', async () => {
  await tamper(
    charges.book,
    `INSERT INTO journal_entries VALUES ('je_empty', 'opening', NULL, NULL, NULL, 'x', 0)`,
    `INSERT INTO journal_entries VALUES ('je_none', 'reversed', NULL, NULL, 'je_nowhere', 'x', 0)`,
    `INSERT INTO postings SELECT 'je_none', 1, 197001, debit_account, credit_account, currency, amount_minor FROM postings LIMIT 1`,
  );
  expect(await findings()).toEqual([
    ['entry_wrong', 'je_empty'],
    ['entry_wrong', 'je_none'],
  ]);
});

test('a refund: another status, another amount, another attempt, gone', async () => {
  const { id, attempt_id } = await one<{ id: string; attempt_id: string }>(
    'SELECT id, attempt_id FROM refunds ORDER BY id LIMIT 1',
  );
  await tamper(charges.book, `UPDATE refunds SET status = 'failed' WHERE id = '${id}'`);
  expect(await findings()).toEqual([['refund_status', id]]);
  await tamper(charges.book, `UPDATE refunds SET status = 'succeeded', amount_minor = 1 WHERE id = '${id}'`);
  expect(await findings()).toEqual([['refund_amount', id]]);
  await tamper(charges.book, `UPDATE refunds SET amount_minor = 1000, attempt_id = NULL WHERE id = '${id}'`);
  expect(await findings()).toContainEqual(['refund_attempt', id]);
  await tamper(charges.book, `DELETE FROM refunds WHERE id = '${id}'`);
  expect(await findings()).toEqual([['refund_missing', attempt_id]]);
});

test('a closed month whose snapshot was changed', async () => {
  charges.clock.advance(40 * 86_400_000);
  const month = monthOf(charges.clock.nowMs() - 40 * 86_400_000);
  await writeTrx(charges.book, (trx) => closeMonth(trx, month, charges.clock.nowMs()));
  expect(await check()).toMatchObject({ ok: true });
  await tamper(
    charges.book,
    `UPDATE balance_snapshots SET credit_minor = '1' WHERE account_id = (SELECT id FROM accounts WHERE name = 'revenue:sales' AND currency = 'USD')`,
  );
  expect(await findings()).toEqual([['snapshot_wrong', 'revenue:sales USD']]);
});

test('a charge whose customer is gone, and an audit row that was edited', async () => {
  await tamper(charges.book, 'DELETE FROM customers', `UPDATE audit_rows SET actor = 'nobody' WHERE sequence = 1`);
  const found = await findings();
  expect(found.map(([code]) => code)).toContain('row_dangling');
  expect(found).toContainEqual(['row_edited', expect.stringMatching(/^au_/)]);
});

test('amounts that a sum of 64 bits can not hold', async () => {
  await tamper(
    charges.book,
    'CREATE TABLE many AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) SELECT i FROM n',
    `INSERT INTO journal_entries SELECT 'je_m' || i, 'captured', NULL, NULL, NULL, NULL, ${charges.clock.nowMs()} FROM many`,
    `INSERT INTO postings SELECT 'je_m' || i, 1, ${monthOf(charges.clock.nowMs())}, (SELECT id FROM accounts WHERE name LIKE 'assets%' AND currency = 'USD'),
      (SELECT id FROM accounts WHERE name = 'revenue:sales' AND currency = 'USD'), 'USD', 1000000000000000 FROM many`,
  );
  const { findings } = await check();
  expect(findings.find(({ subject }) => subject === 'revenue:sales USD')?.message).toContain(
    '100000000000000062.50 USD',
  );
});

test('doctor: the worst decides the exit status, and everything is told', async () => {
  await tamper(charges.book, `INSERT INTO pauses VALUES ('*', 'provider is down', 'ops', 0)`);
  expect(await doctor()).toMatchObject({ exitCode: 8, report: { ok: false } });
  const codes = async (): Promise<string[]> => (await doctor()).report.findings.map(({ code }) => code);
  expect(await codes()).toEqual(['paused', 'charge_exhausted']);
  await tamper(charges.book, 'DELETE FROM pauses');
  script.sends.push(UNKNOWN);
  await charges.create('tok_approved');
  expect(await codes()).toEqual(['attempt_unknown', 'charge_exhausted']);
  await tamper(charges.book, `UPDATE charges SET captured_minor = 1 WHERE id = '${captured.id}'`);
  expect(await doctor()).toMatchObject({ exitCode: 5, report: { ok: false } });
  expect(await codes()).toEqual(['charge_captured', 'control_account', 'attempt_unknown', 'charge_exhausted']);
});
