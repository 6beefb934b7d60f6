// What the database itself refuses, whatever the program does: each test writes past the pipeline, straight into a table.
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Attempt } from '../../src/charges/attempt.ts';
import { attemptsOfCharges, insertAttempts } from '../../src/charges/attempts-store.ts';
import type { Charge } from '../../src/charges/charge.ts';
import { insertCharges, updateCharges } from '../../src/charges/charges-store.ts';
import { newId } from '../../src/ids.ts';
import { entryFor } from '../../src/ledger/ledger.ts';
import { insertEntries } from '../../src/ledger/ledger-store.ts';
import { writeTrx } from '../../src/storage/trx.ts';
import { type ChargesBook, chargesBook } from '../support/charges-book.ts';
import { APPROVED, DECLINED, scripted } from '../support/scripted-gateway.ts';

const script = scripted();
let at: ChargesBook;
beforeEach(async () => {
  script.sends = [];
  at = await chargesBook(script.wrap);
});
afterEach(() => at.close());

async function attemptOf(charge: Charge): Promise<Attempt> {
  const [attempt] = (await attemptsOfCharges(at.book.reader, [charge.id])).get(charge.id) ?? [];
  if (attempt === undefined) throw new Error('no attempt');
  return attempt;
}

async function insertLike(attempt: Attempt, changes: Partial<Attempt>): Promise<void> {
  const another: Attempt = { ...attempt, id: newId('attempt', at.clock.nowMs()), number: 2, outcome: null, ...changes };
  await writeTrx(at.book, (trx) => insertAttempts(trx, [another]));
}

test.each([
  ['an unknown one', 'tok_reset'],
  ['one that settles', 'tok_settling'],
  ['one that waits for the customer', 'tok_requires_action'],
])('no second attempt beside %s', async (_, token) => {
  const attempt = await attemptOf((await at.create(token)).charge);
  for (const operation of ['sale', 'refund', 'capture'] as const) {
    await expect(insertLike(attempt, { operation })).rejects.toMatchObject({ code: 'SQLITE_CONSTRAINT' });
  }
});

test.each([['sale'], ['authorize']] as const)('no second %s of a charge that has one', async (operation) => {
  const attempt = await attemptOf((await at.create('tok_approved')).charge);
  await expect(insertLike(attempt, { operation })).rejects.toMatchObject({ code: 'SQLITE_CONSTRAINT' });
});

test('no second collection after a late approval either', async () => {
  script.sends = [DECLINED];
  const attempt = await attemptOf((await at.create('tok_approved')).charge);
  await at.pipeline.settle({ attemptId: attempt.id, outcome: APPROVED, source: 'lookup' });
  await expect(insertLike(attempt, {})).rejects.toMatchObject({ code: 'SQLITE_CONSTRAINT' });
});

test('after a decline another one is let in, under another number only', async () => {
  const attempt = await attemptOf((await at.create('tok_insufficient_funds')).charge);
  await expect(insertLike(attempt, { number: 1 })).rejects.toMatchObject({ code: 'SQLITE_CONSTRAINT' });
  await insertLike(attempt, {});
});

test('no second charge under one idempotency key', async () => {
  const { charge } = await at.create('tok_approved', { idempotencyKey: 'k' });
  const another = { ...charge, id: newId('charge', at.clock.nowMs()) };
  await expect(writeTrx(at.book, (trx) => insertCharges(trx, [another]))).rejects.toMatchObject({
    code: 'SQLITE_CONSTRAINT',
  });
});

test.each<[string, Partial<Charge>]>([
  ['captured beyond its amount', { capturedMinor: 1251n }],
  ['with more reserved than was captured', { refundReservedMinor: 1251n }],
  ['refunded and reserved beyond what was captured', { refundedMinor: 1000n, refundReservedMinor: 251n }],
  ['with a negative reservation', { refundReservedMinor: -1n }],
])('no charge %s', async (_, changes) => {
  const { charge } = await at.create('tok_approved');
  const changed = { ...charge, ...changes, version: charge.version + 1 };
  await expect(writeTrx(at.book, (trx) => updateCharges(trx, [{ was: charge, now: changed }]))).rejects.toMatchObject({
    code: 'SQLITE_CONSTRAINT',
  });
});

test('no writer overwrites what it has not read', async () => {
  const { charge } = await at.create('tok_approved');
  const was = { ...charge, version: charge.version - 1 };
  const stale = { ...charge, status: 'failed' as const };
  await expect(writeTrx(at.book, (trx) => updateCharges(trx, [{ was, now: stale }]))).rejects.toThrow(
    'changed under the writer',
  );
});

test('no second posting of one attempt', async () => {
  const { charge } = await at.create('tok_approved');
  const attempt = await attemptOf(charge);
  const { gateway, amountMinor, currency } = attempt;
  const entry = entryFor({
    kind: 'captured',
    chargeId: charge.id,
    attemptId: attempt.id,
    gateway,
    amountMinor,
    currency,
    postedAt: at.clock.nowMs(),
  });
  await expect(writeTrx(at.book, (trx) => insertEntries(trx, [entry]))).rejects.toMatchObject({
    code: 'SQLITE_CONSTRAINT',
  });
});

test.each([
  ['UPDATE postings SET amount_minor = 1'],
  ['DELETE FROM postings'],
  ['UPDATE journal_entries SET kind = kind'],
  ['DELETE FROM audit_rows'],
  ['UPDATE audit_rows SET actor = ?', 'nobody'],
  ['DELETE FROM events'],
])('facts stay: %s', async (sql, ...bindings) => {
  await at.create('tok_approved');
  await expect(writeTrx(at.book, (trx) => trx.raw(sql, bindings))).rejects.toMatchObject({ code: 'SQLITE_CONSTRAINT' });
});
