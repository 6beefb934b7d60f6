// Refunds that were approved and that the provider reports failed later, how the news comes, and what it undoes.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { attemptsById } from '../../src/charges/attempts-store.ts';
import { chargesById } from '../../src/charges/charges-store.ts';
import { type Refunded, refundCharge } from '../../src/charges/operations.ts';
import { refundsById } from '../../src/charges/refunds-store.ts';
import { resolveAttempt } from '../../src/charges/resolve.ts';
import { syncCharges } from '../../src/charges/sync.ts';
import type { Outcome } from '../../src/gateways/gateway.ts';
import { siblingId } from '../../src/ids.ts';
import { checkLedger } from '../../src/inspection/ledger-check.ts';
import { balances } from '../../src/ledger/balances.ts';
import { entriesById } from '../../src/ledger/ledger-store.ts';
import { type ChargesBook, chargesBook } from '../support/charges-book.ts';

const DAY_MS = 24 * 3_600_000;
let at: ChargesBook;
beforeEach(async () => {
  at = await chargesBook();
});
afterEach(() => at.close());

async function refunded(token = 'tok_refund_fails_late', amountMinor: bigint | null = null): Promise<Refunded> {
  const { charge } = await at.create(token);
  const made = await refundCharge(at.pipeline, charge.id, { amountMinor, reason: null, idempotencyKey: null });
  expect(made.refund.status).toBe('succeeded');
  return made;
}

async function standing({ charge, refund }: Refunded) {
  const { reader } = at.book;
  const attemptId = refund.attemptId ?? '';
  return {
    charge: (await chargesById(reader, [charge.id])).get(charge.id),
    refund: (await refundsById(reader, [refund.id])).get(refund.id),
    attempt: (await attemptsById(reader, [attemptId])).get(attemptId),
  };
}

async function ledger(): Promise<Record<string, bigint>> {
  return Object.fromEntries(
    (await balances(at.book.reader)).map(({ account, balanceMinor }) => [account, balanceMinor]),
  );
}

const eventsOf = async (chargeId: string): Promise<string[]> =>
  (
    (await at.book.reader.raw('SELECT type FROM events WHERE aggregateid = ? ORDER BY version', [chargeId])) as {
      type: string;
    }[]
  ).map(({ type }) => type);

test('sync finds it out: the refund fails, its entry is reversed once, and the money may be given back again', async () => {
  const made = await refunded();
  expect(await ledger()).toMatchObject({ 'assets:gateway:simulated': 0n, 'revenue:refunds': 1250n });
  expect(await syncCharges(at.pipeline, null)).toMatchObject({ asked: 1, changed: [], open: [], unanswered: [] });
  at.clock.advance(1_000);
  const synced = await syncCharges(at.pipeline, null);
  expect(synced.changed).toMatchObject([
    { before: { outcome: 'approved' }, after: { outcome: 'declined', late: true } },
  ]);
  expect(await standing(made)).toMatchObject({
    charge: { status: 'captured', refundedMinor: 0n, refundReservedMinor: 0n },
    refund: { status: 'failed' },
    attempt: { outcome: 'declined', declineCode: 'account_closed' },
  });
  expect(await ledger()).toMatchObject({ 'assets:gateway:simulated': 1250n, 'revenue:refunds': 0n });
  const posted = siblingId('entry', made.refund.attemptId ?? '');
  const reversal = siblingId('entry', made.refund.id);
  expect(await entriesById(at.book.reader, [reversal])).toMatchObject([{ kind: 'reversed', reversesId: posted }]);
  expect((await eventsOf(made.charge.id)).slice(-2)).toEqual(['refund.succeeded.v1', 'refund.failed.v1']);
  const [audited] = (await at.book.reader.raw(
    `SELECT action, before, after FROM audit_rows WHERE subject = ? ORDER BY rowid DESC LIMIT 1`,
    [made.refund.attemptId ?? ''],
  )) as { action: string; before: string; after: string }[];
  expect(audited).toMatchObject({ action: 'refund.settle', before: expect.stringContaining('"outcome":"approved"') });
  expect((await checkLedger(at.book.reader, { deep: false })).findings).toEqual([]);
  // The same news again changes nothing, and the bank's own listing tells the same.
  expect(await syncCharges(at.pipeline, [made.charge.id])).toMatchObject({ asked: 0, changed: [] });
  expect((await at.executed()).map(({ operation, failedAt }) => [operation, failedAt !== null])).toEqual([
    ['sale', false],
    ['refund', true],
  ]);
  const again = await refundCharge(at.pipeline, made.charge.id, {
    amountMinor: null,
    reason: null,
    idempotencyKey: null,
  });
  expect(again).toMatchObject({ refund: { status: 'succeeded' }, charge: { refundedMinor: 1250n } });
  expect((await checkLedger(at.book.reader, { deep: false })).findings).toEqual([]);
});

test('a part that failed leaves the parts that stand', async () => {
  const { charge } = await refunded('tok_refund_fails_late', 200n);
  at.clock.advance(1_000);
  await syncCharges(at.pipeline, [charge.id]);
  const made = await refundCharge(at.pipeline, charge.id, { amountMinor: 300n, reason: null, idempotencyKey: null });
  expect(made.charge).toMatchObject({ refundedMinor: 300n });
  expect(await syncCharges(at.pipeline, [charge.id])).toMatchObject({ asked: 1, changed: [] });
});

test('refunds are watched for thirty days; a charge that is named is asked about whenever', async () => {
  const made = await refunded();
  at.clock.advance(30 * DAY_MS + 1);
  expect(await syncCharges(at.pipeline, null)).toMatchObject({ asked: 0 });
  expect((await standing(made)).refund?.status).toBe('succeeded');
  expect((await syncCharges(at.pipeline, [made.charge.id])).changed).toHaveLength(1);
  expect((await standing(made)).refund?.status).toBe('failed');
});

test('a refund that stands is asked about and left alone', async () => {
  const made = await refunded('tok_approved');
  const before = await standing(made);
  at.clock.advance(DAY_MS);
  expect(await syncCharges(at.pipeline, null)).toMatchObject({ asked: 1, changed: [] });
  expect(await standing(made)).toEqual(before);
});

test('once it has failed, no late word brings it back, and no send undoes an approval', async () => {
  const made = await refunded();
  const attemptId = made.refund.attemptId ?? '';
  const approved: Outcome = { kind: 'approved', reference: 'r', amountMinor: 1250n, providerCode: null };
  const declined: Outcome = {
    kind: 'declined',
    decline: 'account_closed',
    reference: null,
    providerCode: null,
    providerMessage: null,
  };
  const before = await standing(made);
  await at.pipeline.settle({ attemptId, outcome: declined, source: 'send' });
  await at.pipeline.settle({
    attemptId,
    outcome: { ...declined, kind: 'rejected', reason: 'transport', retryAfterMs: null },
    source: 'lookup',
  });
  expect(await standing(made)).toEqual(before);
  const batch = [declined, declined, approved].map((outcome) =>
    at.pipeline.settle({ attemptId, outcome, source: 'lookup' }),
  );
  await Promise.all(batch);
  await at.pipeline.settle({ attemptId, outcome: approved, source: 'lookup' });
  expect(await standing(made)).toMatchObject({ refund: { status: 'failed' }, charge: { refundedMinor: 0n } });
  expect((await checkLedger(at.book.reader, { deep: false })).findings).toEqual([]);
});

test('an operator may tell it, against the proof in the book only with --force', async () => {
  const made = await refunded('tok_approved');
  const request = {
    attemptId: made.refund.attemptId ?? '',
    as: 'declined' as const,
    reason: 'their letter of today',
    reference: null,
    force: false,
    dryRun: false,
  };
  await expect(resolveAttempt(at.pipeline, request)).rejects.toMatchObject({ code: 'invalid_state' });
  for (const as of ['approved', 'not-executed'] as const) {
    const other = { ...request, as, force: true };
    await expect(resolveAttempt(at.pipeline, other)).rejects.toMatchObject({ code: 'invalid_state' });
  }
  const preview = await resolveAttempt(at.pipeline, { ...request, force: true, dryRun: true });
  expect(preview.charge.refundedMinor).toBe(0n);
  expect((await standing(made)).charge?.refundedMinor).toBe(1250n);
  await resolveAttempt(at.pipeline, { ...request, force: true });
  expect(await standing(made)).toMatchObject({ charge: { refundedMinor: 0n }, refund: { status: 'failed' } });
  await expect(resolveAttempt(at.pipeline, { ...request, force: true })).rejects.toMatchObject({
    code: 'invalid_state',
  });
  expect((await checkLedger(at.book.reader, { deep: false })).findings).toEqual([]);
});

test('ledger check names a refund that failed late without its reversal, and a reversal of one that stands', async () => {
  const failed = await refunded();
  const stands = await refunded('tok_approved');
  at.clock.advance(1_000);
  await syncCharges(at.pipeline, [failed.charge.id]);
  const change = (sql: string, id: string) => at.book.db.raw(sql, [id]);
  const attemptId = failed.refund.attemptId ?? '';
  await change(`UPDATE attempts SET outcome = 'approved', late = 0 WHERE id = ?`, attemptId);
  await change(`UPDATE attempts SET outcome = 'declined', late = 1 WHERE id = ?`, stands.refund.attemptId ?? '');
  const { findings } = await checkLedger(at.book.reader, { deep: false });
  const found = findings.map(({ code, subject }) => [code, subject]);
  expect(found).toContainEqual(['entry_wrong', siblingId('entry', failed.refund.id)]);
  expect(found).toContainEqual(['entry_missing', stands.refund.attemptId]);
});
