// Adopting what a gateway executed and the book does not know: the attempt is written as the gateway tells it and settled
// like any other, in one commit. Facts are never refused here; what can't be a fact about the charge is left to the
// caller.
import { type AuditEntry, appendAudit } from '../audit/audit.ts';
import { assert } from '../errors.ts';
import { canonicalJson } from '../gateways/canonical-json.ts';
import type { GatewayRecord, Outcome } from '../gateways/gateway.ts';
import { attemptKey, newId } from '../ids.ts';
import type { Db } from '../storage/db.ts';
import { movesMoney } from './acts-on.ts';
import { approved, hasFailedSince, type Plan } from './adoption-plan.ts';
import { type Attempt, isCollecting, isOpen } from './attempt.ts';
import { ADOPTED, attemptsOfCharges, insertAttempts } from './attempts-store.ts';
import type { Charge } from './charge.ts';
import { chargeEntry } from './charge-audit.ts';
import { chargesById, updateCharges } from './charges-store.ts';
import type { ChargesContext } from './context.ts';
import type { Refund } from './refund.ts';
import { insertRefunds, refundsOfDuplicates } from './refunds-store.ts';
import { type Settlement, settleAttempts } from './settle.ts';

/** Writes what was planned in this very trx; plans of other kinds are passed over. */
export async function applyAdoption(
  trx: Db,
  context: ChargesContext,
  gateway: string,
  plans: readonly Plan[],
): Promise<void> {
  // What a refund gives back has to be booked first: it may be a second payment.
  for (const isRefund of [false, true]) {
    const now = plans.filter(({ record }) => (record.operation === 'refund') === isRefund);
    const adopting = now.flatMap((plan) => (plan.kind === 'adopt' ? [plan.record] : []));
    await insertAdopted(trx, context, gateway, adopting);
    await settleAttempts(trx, context, now.flatMap(executedBy));
    // News of its own: a refund is given back, and then it is not.
    await settleAttempts(trx, context, now.flatMap(failedBy));
  }
}

function executedBy(plan: Plan): Settlement[] {
  if (plan.kind === 'adopt') {
    return [{ attemptId: plan.record.attemptId, outcome: approved(plan.record), source: 'adoption' }];
  }
  return plan.kind === 'settle'
    ? [{ attemptId: plan.attempt.id, outcome: approved(plan.record), source: 'lookup' }]
    : [];
}

function failedBy(plan: Plan): Settlement[] {
  if ((plan.kind !== 'adopt' && plan.kind !== 'settle') || !hasFailedSince(plan.record)) return [];
  const attemptId = plan.kind === 'adopt' ? plan.record.attemptId : plan.attempt.id;
  return [{ attemptId, outcome: FAILED_SINCE, source: 'lookup' }];
}

const FAILED_SINCE: Outcome = {
  kind: 'declined',
  decline: 'unknown_decline',
  reference: null,
  providerCode: 'failed_late',
  providerMessage: null,
};

/** The attempts as if they had been opened and given up, which is what late news may be told of. */
async function insertAdopted(
  trx: Db,
  context: ChargesContext,
  gateway: string,
  records: readonly GatewayRecord[],
): Promise<void> {
  if (records.length === 0) return;
  const nowMs = context.clock.nowMs();
  const charges = await chargesById(
    trx,
    records.map(({ chargeId }) => chargeId),
  );
  const before = new Map(charges);
  const duplicates = await unreturned(trx, gateway, records);
  const attempts: Attempt[] = [];
  const refunds: Refund[] = [];
  const audit: AuditEntry[] = [];
  for (const record of records) {
    const charge = charges.get(record.chargeId);
    assert(charge !== undefined, 'what is adopted has its charge');
    const attempt = adoptedAttempt(record, charge, gateway, context.book.bookId, nowMs);
    if (record.operation === 'refund') {
      const duplicate = duplicates.find((each) => isRefundOf(record, each));
      if (duplicate !== undefined && !hasFailedSince(record)) duplicates.splice(duplicates.indexOf(duplicate), 1);
      const refund = adoptedRefund(attempt, duplicate?.id ?? null, nowMs);
      attempt.refundId = refund.id;
      refunds.push(refund);
    }
    attempts.push(attempt);
    charges.set(charge.id, {
      ...charge,
      attemptCount: attempt.number,
      firstAttemptAt: charge.firstAttemptAt ?? record.at,
      objectId: isCollecting(record.operation) ? (record.objectId ?? charge.objectId) : charge.objectId,
      version: (before.get(charge.id)?.version ?? 0) + 1,
      updatedAt: nowMs,
    });
    audit.push({
      ...chargeEntry(charge, {
        subject: attempt.id,
        action: 'attempt.adopt',
        after: { ...factsOf(record), attempt: attempt.number },
        result: 'adopted',
        amountMinor: record.amountMinor,
      }),
      gateway,
    });
  }
  await updateCharges(
    trx,
    [...before.values()].map((was) => ({ was, now: charges.get(was.id) ?? was })),
  );
  await insertRefunds(trx, refunds);
  await insertAttempts(trx, attempts);
  await appendAudit(trx, context.author, nowMs, audit);
}

/** Second payments of the charges that are refunded, made on an object of their own, that no refund gives back yet. */
async function unreturned(trx: Db, gateway: string, records: readonly GatewayRecord[]): Promise<Attempt[]> {
  const refunded = records.filter(({ operation }) => operation === 'refund').map(({ chargeId }) => chargeId);
  if (refunded.length === 0) return [];
  const ofCharges = [...(await attemptsOfCharges(trx, [...new Set(refunded)])).values()];
  const duplicates = ofCharges.flatMap((ofCharge) => {
    const own = new Set(ofCharge.flatMap(({ outcome, objectId }) => (outcome === 'approved' ? [objectId] : [])));
    return ofCharge.filter(
      (each) => each.outcome === 'duplicate' && movesMoney(each) && each.gateway === gateway && !own.has(each.objectId),
    );
  });
  const returned = await refundsOfDuplicates(
    trx,
    duplicates.map(({ id }) => id),
  );
  return duplicates.filter(({ id }) => !returned.has(id));
}

/** The gateway gives a payment back on that payment's object, and a duplicate is given back as a whole. */
function isRefundOf({ chargeId, objectId, amountMinor }: GatewayRecord, duplicate: Attempt): boolean {
  return (
    objectId != null &&
    duplicate.objectId === objectId &&
    duplicate.chargeId === chargeId &&
    duplicate.amountMinor === amountMinor
  );
}

/** What a gateway's record tells, for the audit log and as the body of an adopted attempt. */
export function factsOf(record: GatewayRecord): Record<string, string> {
  return {
    operation: record.operation,
    chargeId: record.chargeId,
    attemptId: record.attemptId,
    amountMinor: record.amountMinor.toString(),
    currency: record.currency,
    reference: record.reference,
    executedAt: new Date(record.at).toISOString(),
  };
}

function adoptedAttempt(
  record: GatewayRecord,
  charge: Charge,
  gateway: string,
  bookId: string,
  nowMs: number,
): Attempt {
  const number = numberOf(record, charge, bookId);
  return {
    id: record.attemptId,
    chargeId: charge.id,
    number,
    operation: record.operation,
    gateway,
    methodId: charge.methodId,
    amountMinor: record.amountMinor,
    currency: record.currency,
    refundId: null,
    idempotencyKey: record.idempotencyKey ?? attemptKey(bookId, charge.id, number),
    body: canonicalJson({ adopted: factsOf(record) }),
    apiVersion: ADOPTED,
    objectId: record.objectId ?? charge.objectId,
    outcome: 'rejected',
    late: false,
    reference: null,
    providerCode: null,
    providerMessage: null,
    declineCode: null,
    declineClass: null,
    sends: 1,
    unprovenSends: 0,
    firstSentAt: record.at,
    lastSentAt: record.at,
    ownerId: null,
    epoch: 1,
    runId: null,
    openedAt: record.at,
    settledAt: nowMs,
    proofTries: 0,
    proofTriedAt: null,
    proofResult: null,
    proofNextAt: null,
  };
}

/** How many attempts that left no trace at the gateway may lie between what the book knows and what it adopts. */
const LOST_ATTEMPTS = 100;

/**
 * The number that the attempt had, told by its key, so that later attempts get keys that the provider has not seen; where
 * the records tell no key, the next one.
 */
function numberOf({ idempotencyKey }: GatewayRecord, charge: Charge, bookId: string): number {
  const next = charge.attemptCount + 1;
  for (let number = next; number < next + LOST_ATTEMPTS; number += 1) {
    if (idempotencyKey === attemptKey(bookId, charge.id, number)) return number;
  }
  return next;
}

function adoptedRefund(attempt: Attempt, duplicateAttemptId: string | null, nowMs: number): Refund {
  return {
    id: newId('refund', nowMs),
    chargeId: attempt.chargeId,
    attemptId: attempt.id,
    duplicateAttemptId,
    amountMinor: attempt.amountMinor,
    currency: attempt.currency,
    // What settling it finds, and turns into `succeeded`.
    status: isOpen(attempt) ? 'pending' : 'failed',
    reason: 'adopted from the gateway',
    idempotencyKey: null,
    requestHash: null,
    createdAt: nowMs,
    updatedAt: nowMs,
  };
}
