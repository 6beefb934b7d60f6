// A book that knows of less than was sent from it: nothing leaves it, and what the gateways know is adopted once.
import { rm, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Attempt } from '../../src/charges/attempt.ts';
import { attemptsOfCharges, unreturnedDuplicates } from '../../src/charges/attempts-store.ts';
import { cancelCharge } from '../../src/charges/cancel.ts';
import type { Charge } from '../../src/charges/charge.ts';
import { chargesById } from '../../src/charges/charges-store.ts';
import { readGuard } from '../../src/charges/guard-store.ts';
import { newCharge } from '../../src/charges/new-charge.ts';
import {
  captureCharge,
  createCharge,
  previewCharge,
  refundCharge,
  replayCharges,
  voidCharge,
} from '../../src/charges/operations.ts';
import type { Pipeline } from '../../src/charges/pipeline.ts';
import { resolveOpenAttempts } from '../../src/charges/recovery.ts';
import { refundsOfCharges } from '../../src/charges/refunds-store.ts';
import { BursarError } from '../../src/errors.ts';
import type { Gateway, GatewayRecord } from '../../src/gateways/gateway.ts';
import { attemptKey, newId, timeOfId } from '../../src/ids.ts';
import { checkLedger } from '../../src/inspection/ledger-check.ts';
import { balances } from '../../src/ledger/balances.ts';
import { type ReconcileOptions, reconcile } from '../../src/reconciliation/reconcile-run.ts';
import type { Book } from '../../src/storage/open.ts';
import { readTrx, writeTrx } from '../../src/storage/trx.ts';
import { billingRun } from '../support/billing-run.ts';
import { type SchedulesBook, schedulesBook } from '../support/schedules-book.ts';
import { DECLINED, type Script, scripted, UNKNOWN } from '../support/scripted-gateway.ts';

const ALL: ReconcileOptions = { gateways: null, sinceMs: null, dryRun: false };
const DAY_MS = 86_400_000;

let at: SchedulesBook;
let script: Script;
/** What the bank's records say beyond what it has done. */
let extra: GatewayRecord[];
beforeEach(async () => {
  script = scripted();
  extra = [];
  at = await schedulesBook((gateway) => ({
    ...script.wrap(gateway),
    listRecent: async function* (sinceMs) {
      yield* gateway.listRecent(sinceMs);
      yield* extra;
    },
  }));
});
afterEach(() => at.close());

const run = (pipeline: Pipeline, options: Partial<ReconcileOptions> = {}) =>
  reconcile(pipeline.context, { ...ALL, ...options });

/** A charge that is claimed and not sent yet. */
async function open(pipeline: Pipeline, methodId: string): Promise<Attempt> {
  const nowMs = at.clock.nowMs();
  const period = { scheduleId: null, period: null, timezone: null, dueAt: nowMs };
  const charge = newCharge({ ...at.request(methodId), ...period, id: newId('charge', nowMs) }, nowMs);
  const opened = await pipeline.open({ kind: 'create', charge, runId: null });
  if (opened.kind !== 'opened') throw new Error(`not opened: ${opened.kind}`);
  return opened.attempt;
}

async function standing(book: Book, id: string): Promise<Charge> {
  const charge = (await chargesById(book.reader, [id])).get(id);
  if (charge === undefined) throw new Error(`no charge ${id}`);
  return charge;
}

async function ledgerOf(book: Book): Promise<Record<string, bigint>> {
  return Object.fromEntries((await balances(book.reader)).map(({ account, balanceMinor }) => [account, balanceMinor]));
}

/** Collected less refunded, by the bank's own records. */
async function atTheBank(): Promise<bigint> {
  const sign: Record<string, bigint> = { sale: 1n, capture: 1n, refund: -1n, authorize: 0n, void: 0n };
  const records = [...(await at.executed()), ...extra];
  return records.reduce((sum, { operation, amountMinor }) => sum + (sign[operation] ?? 0n) * amountMinor, 0n);
}

async function assertAgrees(book: Book): Promise<void> {
  const check = await readTrx(book, (trx) => checkLedger(trx, { deep: false }));
  expect(check).toMatchObject({ ok: true });
  expect((await ledgerOf(book))['assets:gateway:simulated'] ?? 0n).toBe(await atTheBank());
}

describe('quarantine', () => {
  test('the number of sending commits grows in the book, and the mark follows before anything is sent', async () => {
    expect(await at.pipeline.context.guard.mark.highest()).toBe(0);
    script.onSend = async () => {
      const { openSequence } = await readGuard(at.book.reader);
      expect(await at.pipeline.context.guard.mark.highest()).toBe(openSequence);
    };
    await at.create('tok_approved');
    await at.create('tok_do_not_honor');
    expect(script.sent).toBe(2);
    expect((await readGuard(at.book.reader)).openSequence).toBe(2);
  });

  test('an older copy sends nothing by any verb, and says what to run', async () => {
    const authorized = (await at.create('tok_approved', { intent: 'authorize' })).charge;
    const captured = (await at.create('tok_approved')).charge;
    const exhausted = (await at.create('tok_do_not_honor')).charge;
    script.sends.push(UNKNOWN);
    const unknown = (await at.create('tok_timeout_before')).charge;
    const waiting = (await at.create('tok_requires_action')).charge;
    const { book, pipeline } = await at.copy();
    await at.create('tok_approved');
    const sent = script.sent;
    const cancelled = script.cancelled;

    const refused = { code: 'quarantined', exitCode: 8, hint: expect.stringContaining('bursar reconcile run') };
    const request = at.request(captured.methodId);
    await expect(createCharge(pipeline, request)).rejects.toMatchObject(refused);
    await expect(previewCharge(pipeline, request)).rejects.toMatchObject(refused);
    await expect(captureCharge(pipeline, authorized.id, null)).rejects.toMatchObject(refused);
    await expect(voidCharge(pipeline, authorized.id)).rejects.toMatchObject(refused);
    const refund = { amountMinor: null, reason: null, idempotencyKey: null };
    await expect(refundCharge(pipeline, captured.id, refund)).rejects.toMatchObject(refused);
    await expect(cancelCharge(pipeline, waiting.id, null)).rejects.toMatchObject(refused);
    expect(await replayCharges(pipeline, [exhausted.id], 'why')).toMatchObject({ refused: [{ code: 'quarantined' }] });
    await expect(billingRun(pipeline, at.clock.nowMs() + 40 * DAY_MS)).rejects.toMatchObject(refused);
    // Looking is allowed, sending again and closing are not.
    expect(await resolveOpenAttempts(pipeline)).toMatchObject({ resolved: 0, errors: [] });
    expect(script.sent).toBe(sent);
    expect(script.cancelled).toBe(cancelled);
    expect(await standing(book, unknown.id)).toMatchObject({ status: 'unknown' });
    const runs = await book.reader.raw('SELECT * FROM runs');
    expect(runs).toEqual([]);
  });

  test('a request that was made before is answered as then: that sends nothing', async () => {
    const methodId = await at.method('tok_approved');
    const request = at.request(methodId, { idempotencyKey: 'invoice-1' });
    const { charge } = await createCharge(at.pipeline, request);
    const { pipeline } = await at.copy();
    await at.create('tok_approved');
    expect(await createCharge(pipeline, request)).toMatchObject({ replayed: true, charge: { id: charge.id } });
  });

  test('what was opened before another copy went on is stopped right before the socket', async () => {
    const methodId = await at.method('tok_approved');
    const { pipeline } = await at.copy();
    const opened = await open(pipeline, methodId);
    await at.create('tok_approved');
    await at.create('tok_approved');
    const sent = script.sent;
    expect(await pipeline.collect(opened)).toMatchObject({
      attempt: { outcome: 'rejected', declineCode: 'quarantined' },
    });
    expect(script.sent).toBe(sent);
  });

  test('two copies that send under the same number are told apart at once, for good', async () => {
    const methodId = await at.method('tok_approved');
    const { book, pipeline } = await at.copy();
    const both = [at.pipeline, pipeline];
    // Both have committed number 1 before either sends.
    const opened = await Promise.all(both.map((each) => open(each, methodId)));
    const outcomes: unknown[] = [];
    for (const [index, attempt] of opened.entries()) {
      outcomes.push((await both[index]?.collect(attempt))?.attempt.outcome);
    }
    expect(outcomes).toEqual(['approved', 'rejected']);
    expect((await readGuard(book.reader)).quarantine?.reason).toContain('another copy');
    await expect(createCharge(pipeline, at.request(methodId))).rejects.toMatchObject({ code: 'quarantined' });
  });

  test('a copy as of the last sending commit is no older book', async () => {
    await at.create('tok_approved');
    const { pipeline } = await at.copy();
    const captured = (await at.executed())[0];
    const refund = { amountMinor: 100n, reason: null, idempotencyKey: null };
    expect(await refundCharge(pipeline, captured?.chargeId ?? '', refund)).toMatchObject({
      refund: { status: 'succeeded' },
    });
  });

  test('a state directory that can not be written stops everything before it is opened', async () => {
    await rm(at.stateFolder, { recursive: true, force: true });
    await writeFile(at.stateFolder, 'in the way');
    const pipeline = at.another();
    const methodId = await at.method('tok_approved');
    const refused = { code: 'state_unwritable', exitCode: 7 };
    await expect(createCharge(pipeline, at.request(methodId))).rejects.toMatchObject(refused);
    await expect(billingRun(pipeline, at.clock.nowMs())).rejects.toMatchObject(refused);
    expect(await at.book.reader.raw('SELECT * FROM attempts')).toEqual([]);
    await rm(at.stateFolder);
  });

  test('a mark that can not be kept in the last moment stops the send', async () => {
    const methodId = await at.method('tok_approved');
    const pipeline = at.another();
    let blocked = false;
    pipeline.context.guard.mark.keep = async () => {
      blocked = true;
      throw new BursarError('state_unwritable', 'full');
    };
    const { charge } = await createCharge(pipeline, at.request(methodId));
    expect(blocked).toBe(true);
    expect(charge).toMatchObject({ status: 'exhausted', declineCode: 'state_unwritable' });
    expect(script.sent).toBe(0);
  });
});

describe('adoption', () => {
  test('sales, captures, voids and refunds of charges that the book knows', async () => {
    const held = (await at.create('tok_approved', { intent: 'authorize' })).charge;
    const other = (await at.create('tok_approved', { intent: 'authorize' })).charge;
    const sold = (await at.create('tok_approved')).charge;
    const { book, pipeline } = await at.copy();
    await captureCharge(at.pipeline, held.id, 1000n);
    await voidCharge(at.pipeline, other.id);
    await refundCharge(at.pipeline, sold.id, { amountMinor: 250n, reason: null, idempotencyKey: null });

    const result = await run(pipeline);
    expect(result.gateways).toMatchObject([{ listed: 6, known: 3, adopted: 3, settled: 0, suspense: 0 }]);
    expect(result.quarantine).toMatchObject({ held: true, lifted: true });
    expect(await standing(book, held.id)).toMatchObject({ status: 'captured', capturedMinor: 1000n });
    expect(await standing(book, other.id)).toMatchObject({ status: 'voided' });
    expect(await standing(book, sold.id)).toMatchObject({ refundedMinor: 250n, refundReservedMinor: 0n });
    expect(await refundsOfCharges(book.reader, [sold.id])).toMatchObject([{ status: 'succeeded', amountMinor: 250n }]);
    await assertAgrees(book);
    // And it goes on from there.
    const refund = { amountMinor: 100n, reason: null, idempotencyKey: null };
    expect(await refundCharge(pipeline, sold.id, refund)).toMatchObject({ refund: { status: 'succeeded' } });
    await assertAgrees(book);
  });

  test('a second time changes nothing, not even the audit log', async () => {
    const { charge } = await at.create('tok_approved');
    const { book, pipeline } = await at.copy();
    await refundCharge(at.pipeline, charge.id, { amountMinor: 250n, reason: null, idempotencyKey: null });
    await at.create('tok_approved');
    await run(pipeline);
    const before = await contentsOf(book);
    const again = await run(pipeline);
    expect(again.gateways).toMatchObject([{ adopted: 0, settled: 0, suspense: 0, known: 3 }]);
    expect(again.quarantine).toEqual({ held: false, lifted: false, reason: null });
    expect(await contentsOf(book)).toEqual(before);
  });

  test('a dry run tells the same and writes nothing', async () => {
    await at.schedule('tok_approved');
    const { charge } = await at.create('tok_approved');
    const { book, pipeline } = await at.copy();
    await refundCharge(at.pipeline, charge.id, { amountMinor: 250n, reason: null, idempotencyKey: null });
    await at.billAt('2026-01-31T10:00:00Z');
    await at.create('tok_approved');
    const before = await contentsOf(book);
    const dry = await run(pipeline, { dryRun: true });
    expect(await contentsOf(book)).toEqual(before);
    const real = await run(pipeline);
    expect(real.gateways).toEqual(dry.gateways);
    expect(real.gateways).toMatchObject([{ listed: 4, known: 1, adopted: 2, suspense: 1 }]);
  });

  test('periods that were billed after the copy are made as a run makes them, and are not billed again', async () => {
    const schedule = await at.schedule('tok_approved');
    const flaky = await at.schedule('tok_insufficient_funds');
    const { book, pipeline } = await at.copy();
    await at.billAt('2026-01-31T10:00:00Z');
    await at.billAt('2026-02-28T10:00:00Z');
    const lost = await at.chargesOf(schedule);
    expect(lost.map(({ status }) => status)).toEqual(['captured', 'captured']);

    expect((await run(pipeline)).gateways).toMatchObject([{ listed: 2, adopted: 2, suspense: 0 }]);
    for (const { id, period } of lost) {
      expect(await standing(book, id)).toMatchObject({ status: 'captured', period, scheduleId: schedule.id });
      const [attempt] = (await attemptsOfCharges(book.reader, [id])).get(id) ?? [];
      const [original] = (await attemptsOfCharges(at.book.reader, [id])).get(id) ?? [];
      expect(attempt).toMatchObject({
        id: original?.id,
        idempotencyKey: original?.idempotencyKey,
        outcome: 'approved',
      });
    }
    await assertAgrees(book);
    const executed = (await at.executed()).length;
    const { error } = await billingRun(pipeline, at.clock.nowMs());
    expect(error).toBeNull();
    expect(await at.executed()).toHaveLength(executed);
    // What came to nothing left no trace at the bank: its periods are due again, under the same ids.
    expect((await at.chargesOf(flaky)).length).toBeGreaterThan(0);
    await assertAgrees(book);
  });

  test('even without adopting anything, a period can not be collected twice: same charge, same key', async () => {
    const schedule = await at.schedule('tok_approved');
    const { book, pipeline } = await at.copy();
    await at.billAt('2026-01-31T10:00:00Z');
    const [lost] = await at.chargesOf(schedule);
    // As if the mark were lost with the machine.
    await rm(at.stateFolder, { recursive: true });
    await billingRun(pipeline, at.clock.nowMs());
    const [original] = (await attemptsOfCharges(at.book.reader, [lost?.id ?? ''])).get(lost?.id ?? '') ?? [];
    const [again] = (await attemptsOfCharges(book.reader, [lost?.id ?? ''])).get(lost?.id ?? '') ?? [];
    expect(again?.idempotencyKey).toBe(original?.idempotencyKey);
    expect(again?.id).not.toBe(original?.id);
    expect(await at.executed()).toHaveLength(1);
    // The bank refuses the key with another body; its record of the key settles the matter.
    await billingRun(pipeline, at.clock.nowMs());
    expect(await standing(book, lost?.id ?? '')).toMatchObject({ status: 'captured', capturedMinor: 2000n });
    expect(await at.executed()).toHaveLength(1);
    await assertAgrees(book);
    // Its records name the lost attempt; by its key it is the one that the book has.
    expect((await run(pipeline)).gateways).toMatchObject([{ listed: 1, known: 1, adopted: 0, settled: 0 }]);
    await assertAgrees(book);
  });

  test('a payment whose key the book has sent again itself settles that attempt', async () => {
    const schedule = await at.schedule('tok_approved');
    const { book, pipeline } = await at.copy();
    await at.billAt('2026-01-31T10:00:00Z');
    const [lost] = await at.chargesOf(schedule);
    await rm(at.stateFolder, { recursive: true });
    await billingRun(pipeline, at.clock.nowMs());
    expect(await standing(book, lost?.id ?? '')).toMatchObject({ status: 'unknown' });
    expect((await run(pipeline)).gateways).toMatchObject([{ listed: 1, known: 0, adopted: 0, settled: 1 }]);
    expect(await standing(book, lost?.id ?? '')).toMatchObject({ status: 'captured', capturedMinor: 2000n });
    await billingRun(pipeline, at.clock.nowMs());
    expect((await run(pipeline)).gateways).toMatchObject([{ listed: 1, known: 1, adopted: 0, settled: 0 }]);
    await assertAgrees(book);
  });

  test('a second payment under one key, at a provider that forgot it, is a duplicate', async () => {
    const { charge } = await at.create('tok_approved');
    const [attempt] = (await attemptsOfCharges(at.book.reader, [charge.id])).get(charge.id) ?? [];
    extra.push(recordOf({ chargeId: charge.id, amountMinor: 1250n, idempotencyKey: attempt?.idempotencyKey ?? null }));
    expect((await run(at.pipeline)).gateways).toMatchObject([{ known: 1, adopted: 1 }]);
    expect(await ledgerOf(at.book)).toMatchObject({ 'liabilities:customers:overpaid': 1250n, 'revenue:sales': 1250n });
    await assertAgrees(at.book);
  });

  test('attempts that the book knows and took for something else are settled by the records', async () => {
    script.sends.push(UNKNOWN);
    const methodId = await at.method('tok_approved');
    const open = (await createCharge(at.pipeline, at.request(methodId))).charge;
    const [attempt] = (await attemptsOfCharges(at.book.reader, [open.id])).get(open.id) ?? [];
    const declined = (await at.create('tok_do_not_honor')).charge;
    const [late] = (await attemptsOfCharges(at.book.reader, [declined.id])).get(declined.id) ?? [];
    for (const each of [attempt, late]) {
      if (each === undefined) throw new Error('no attempt');
      extra.push(recordOf({ chargeId: each.chargeId, attemptId: each.id, amountMinor: 1250n }));
    }
    expect((await run(at.pipeline)).gateways).toMatchObject([{ listed: 2, settled: 2, adopted: 0 }]);
    expect(await standing(at.book, open.id)).toMatchObject({ status: 'captured' });
    expect(await standing(at.book, declined.id)).toMatchObject({ status: 'captured', declineCode: null });
    await assertAgrees(at.book);
  });

  test('a second collection of a charge is a duplicate, not revenue', async () => {
    const { charge } = await at.create('tok_approved');
    extra.push(
      recordOf({ chargeId: charge.id, amountMinor: 1250n }),
      recordOf({ chargeId: charge.id, amountMinor: 1250n }),
    );
    expect((await run(at.pipeline)).gateways).toMatchObject([{ adopted: 2 }]);
    expect(await standing(at.book, charge.id)).toMatchObject({ status: 'captured', capturedMinor: 1250n });
    expect(await ledgerOf(at.book)).toMatchObject({ 'liabilities:customers:overpaid': 2500n, 'revenue:sales': 1250n });
    await assertAgrees(at.book);
  });

  test('the refund of a second payment, made on its object, is the return of that duplicate', async () => {
    const { charge } = await at.create('tok_approved');
    const second = recordOf({ chargeId: charge.id, objectId: 'bp_second' });
    const refunded = recordOf({ chargeId: charge.id, objectId: 'bp_second', operation: 'refund' });
    extra.push(second, refunded);
    expect((await run(at.pipeline)).gateways).toMatchObject([{ adopted: 2 }]);
    expect(await standing(at.book, charge.id)).toMatchObject({ capturedMinor: 1250n, refundedMinor: 0n });
    expect(await refundsOfCharges(at.book.reader, [charge.id])).toMatchObject([
      { attemptId: refunded.attemptId, duplicateAttemptId: second.attemptId, status: 'succeeded' },
    ]);
    expect(await unreturnedDuplicates(at.book.reader, 10)).toEqual([]);
    expect(await ledgerOf(at.book)).toEqual({
      'assets:gateway:simulated': 1250n,
      'liabilities:customers:overpaid': 0n,
      'revenue:sales': 1250n,
    });
    await assertAgrees(at.book);
    // What follows on the charge's own object is the charge's.
    const [sale] = (await attemptsOfCharges(at.book.reader, [charge.id])).get(charge.id) ?? [];
    extra.push(recordOf({ chargeId: charge.id, objectId: sale?.objectId ?? null, operation: 'refund' }));
    expect((await run(at.pipeline)).gateways).toMatchObject([{ adopted: 1 }]);
    expect(await standing(at.book, charge.id)).toMatchObject({ refundedMinor: 1250n });
    await assertAgrees(at.book);
  });

  test('a refund that failed after all is adopted as one that failed, and the next one counts', async () => {
    const { charge } = await at.create('tok_refund_fails_late');
    const { book, pipeline } = await at.copy();
    const whole = { amountMinor: null, reason: null, idempotencyKey: null };
    await refundCharge(at.pipeline, charge.id, whole);
    at.clock.advance(DAY_MS);
    expect((await run(pipeline)).gateways).toMatchObject([{ listed: 2, adopted: 1 }]);
    expect(await standing(book, charge.id)).toMatchObject({ refundedMinor: 0n, refundReservedMinor: 0n });
    expect(await refundsOfCharges(book.reader, [charge.id])).toMatchObject([{ status: 'failed' }]);
    expect((await ledgerOf(book))['assets:gateway:simulated']).toBe(1250n);
    expect(await readTrx(book, (trx) => checkLedger(trx, { deep: false }))).toMatchObject({ ok: true });
    expect((await run(pipeline)).gateways).toMatchObject([{ listed: 2, known: 2, settled: 0 }]);
  });

  test('a refund that the book has as given back, and that failed since, is told by the records', async () => {
    const { charge } = await at.create('tok_refund_fails_late');
    await refundCharge(at.pipeline, charge.id, { amountMinor: null, reason: null, idempotencyKey: null });
    expect(await standing(at.book, charge.id)).toMatchObject({ refundedMinor: 1250n });
    at.clock.advance(DAY_MS);
    expect((await run(at.pipeline)).gateways).toMatchObject([{ listed: 2, known: 1, settled: 1 }]);
    expect(await standing(at.book, charge.id)).toMatchObject({ refundedMinor: 0n });
    expect((await run(at.pipeline)).gateways).toMatchObject([{ listed: 2, known: 2, settled: 0 }]);
    expect(await readTrx(at.book, (trx) => checkLedger(trx, { deep: false }))).toMatchObject({ ok: true });
  });

  test('the number of an adopted attempt is told by its key, so that later keys are new to the bank', async () => {
    const schedule = await at.schedule('tok_approved');
    const { book, pipeline } = await at.copy();
    script.sends.push(DECLINED);
    await at.billAt('2026-01-31T12:00:00Z');
    await at.billAt('2026-02-05T12:00:00Z');
    const [lost] = await at.chargesOf(schedule);
    if (lost === undefined) throw new Error('no charge');
    expect(lost).toMatchObject({ status: 'captured', attemptCount: 2 });
    await run(pipeline);
    const [adopted] = (await attemptsOfCharges(book.reader, [lost.id])).get(lost.id) ?? [];
    expect(adopted).toMatchObject({ number: 2, idempotencyKey: attemptKey(book.bookId, lost.id, 2) });
    expect(await standing(book, lost.id)).toMatchObject({ attemptCount: 2 });
    await assertAgrees(book);
    const refund = { amountMinor: null, reason: null, idempotencyKey: null };
    expect(await refundCharge(pipeline, lost.id, refund)).toMatchObject({ refund: { status: 'succeeded' } });
    await assertAgrees(book);
  });

  test('what can not be explained is posted to suspense once, and the check only warns', async () => {
    const { charge } = await at.create('tok_approved');
    extra.push(
      recordOf({ amountMinor: 500n }),
      recordOf({ operation: 'refund', amountMinor: 200n }),
      recordOf({ operation: 'authorize', amountMinor: 900n }),
      recordOf({ chargeId: 'order-77', attemptId: 'not ours', amountMinor: 70n, reference: 'foreign' }),
      // It names a charge of ours over another amount.
      recordOf({ chargeId: charge.id, amountMinor: 7n }),
    );
    expect((await run(at.pipeline)).gateways).toMatchObject([{ listed: 6, known: 1, suspense: 4, ignored: 1 }]);
    expect((await ledgerOf(at.book))['assets:suspense']).toBe(-377n);
    await assertAgrees(at.book);
    const check = await readTrx(at.book, (trx) => checkLedger(trx, { deep: false }));
    expect(check.findings).toMatchObject([{ code: 'suspense', severity: 'warning', subject: 'assets:suspense USD' }]);
    expect(check.findings[0]?.message).toContain('3.77 USD collected');
    expect((await run(at.pipeline)).gateways).toMatchObject([{ known: 5, suspense: 0, ignored: 1 }]);
    expect((await ledgerOf(at.book))['assets:suspense']).toBe(-377n);
  });

  test('thousands of records come in batches', async () => {
    await at.create('tok_approved');
    for (let index = 0; index < 1_300; index += 1) extra.push(recordOf({ amountMinor: 1n }));
    expect((await run(at.pipeline)).gateways).toMatchObject([{ listed: 1_301, suspense: 1_300 }]);
    await assertAgrees(at.book);
  });
});

describe('the end of a quarantine', () => {
  test('waits for every gateway in use, and for a reading from where the knowledge ends', async () => {
    await at.create('tok_approved');
    const row = { brand: null, last4: null, created_at: 1, removed_at: null, blocked_at: null, blocked_code: null };
    const other = { ...row, id: newId('method', 1), customer_id: at.customerId, gateway: 'other', token: 'x' };
    await writeTrx(at.book, (trx) => trx('payment_methods').insert(other));
    const { book, pipeline } = await at.copy();
    await at.create('tok_approved');
    const late = await run(pipeline, { gateways: ['simulated'], sinceMs: at.clock.nowMs() });
    expect(late).toMatchObject({ quarantine: { held: true, lifted: false }, waitsFor: ['other', 'simulated'] });
    const half = await run(pipeline, { gateways: ['simulated'] });
    expect(half).toMatchObject({ quarantine: { held: true, lifted: false }, waitsFor: ['other'] });
    await expect(billingRun(pipeline, at.clock.nowMs())).rejects.toMatchObject({ code: 'quarantined' });
    const whole = await run(pipeline, { gateways: ['other'] });
    expect(whole).toMatchObject({ quarantine: { lifted: true }, waitsFor: [] });
    expect((await readGuard(book.reader)).quarantine).toBeNull();
    // From now on it is the other one that is older.
    const methodId = await at.method('tok_approved');
    await expect(createCharge(at.pipeline, at.request(methodId))).rejects.toMatchObject({ code: 'quarantined' });
    expect(await billingRun(pipeline, at.clock.nowMs())).toMatchObject({ error: null });
  });

  test('waits until the records show what was sent right before it began', async () => {
    const lagMs = 3 * 3_600_000;
    await at.create('tok_approved');
    const { book, pipeline } = await at.copy();
    await at.create('tok_approved');
    const sentAtMs = at.clock.nowMs();
    wrapGateway(pipeline, (real) => ({
      ...real,
      capabilities: { ...real.capabilities, lookupLagMs: lagMs },
      listRecent: async function* (sinceMs) {
        for await (const record of real.listRecent(sinceMs)) {
          if (record.at + lagMs <= at.clock.nowMs()) yield record;
        }
      },
    }));
    const early = await run(pipeline);
    expect(early).toMatchObject({
      quarantine: { lifted: false },
      waitsFor: ['simulated'],
      readAgainAt: sentAtMs + lagMs,
    });
    at.clock.advance(lagMs);
    const whole = await run(pipeline);
    expect(whole).toMatchObject({ gateways: [{ suspense: 1 }], quarantine: { lifted: true }, readAgainAt: null });
    expect((await readGuard(book.reader)).quarantine).toBeNull();
  });

  test('a reading that began before the quarantine does not end it', async () => {
    await at.create('tok_approved');
    wrapGateway(at.pipeline, (real) => ({
      ...real,
      listRecent: async function* (sinceMs) {
        yield* real.listRecent(sinceMs);
        await at.another().context.guard.quarantine('another copy is in use', 1);
      },
    }));
    await run(at.pipeline);
    expect((await readGuard(at.book.reader)).quarantine).not.toBeNull();
  });

  test('does not come while another copy goes on sending', async () => {
    await at.create('tok_approved');
    const { pipeline } = await at.copy();
    await at.create('tok_approved');
    const { context } = pipeline;
    const gateway = context.gateway;
    context.gateway = async (name) => {
      const real = await gateway(name);
      return {
        ...real,
        listRecent: async function* (sinceMs) {
          yield* real.listRecent(sinceMs);
          await at.create('tok_approved');
        },
      };
    };
    expect(await run(pipeline)).toMatchObject({ quarantine: { held: true, lifted: false }, waitsFor: ['simulated'] });
    context.gateway = gateway;
    expect(await run(pipeline)).toMatchObject({ quarantine: { held: true, lifted: true } });
  });

  test('a gateway out of reach holds it, and what was adopted stays', async () => {
    await at.create('tok_approved');
    const { book, pipeline } = await at.copy();
    await at.create('tok_approved');
    const { context } = pipeline;
    const gateway = context.gateway;
    context.gateway = async (name) => {
      const real = await gateway(name);
      return {
        ...real,
        // biome-ignore lint/correctness/useYield: it fails before there is anything to yield
        listRecent: async function* () {
          throw new BursarError('gateway_unreachable', 'no answer');
        },
      };
    };
    await expect(run(pipeline)).rejects.toMatchObject({ code: 'gateway_unreachable', exitCode: 7 });
    expect((await readGuard(book.reader)).quarantine).not.toBeNull();
    context.gateway = gateway;
    expect(await run(pipeline)).toMatchObject({ quarantine: { lifted: true } });
  });
});

function recordOf(changes: Partial<GatewayRecord> = {}): GatewayRecord {
  const nowMs = at.clock.nowMs();
  const attemptId = newId('attempt', nowMs);
  return {
    chargeId: newId('charge', nowMs),
    attemptId,
    operation: 'sale',
    amountMinor: 1250n,
    currency: 'USD',
    reference: attemptId,
    at: timeOfId(attemptId),
    ...changes,
  };
}

function wrapGateway({ context }: Pipeline, wrap: (real: Gateway) => Gateway): void {
  const { gateway } = context;
  context.gateway = async (name) => wrap(await gateway(name));
}

/** Everything that a run could change. */
async function contentsOf(book: Book): Promise<unknown> {
  const tables = ['book', 'charges', 'attempts', 'refunds', 'schedules', 'journal_entries', 'postings', 'audit_rows'];
  return Promise.all(tables.map((table) => book.reader.raw(`SELECT * FROM ${table}`)));
}
