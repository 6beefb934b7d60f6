// Adopting what a gateway executed and the book does not know: the attempt is written as the gateway tells it and settled
// like any other, in one commit. Facts are never refused here; what can't be a fact about the charge is left to the
// caller.
import { type AuditEntry, appendAudit } from '../audit/audit.ts';
import { assert } from '../errors.ts';
import { canonicalJson } from '../gateways/canonical-json.ts';
import type { GatewayRecord, Outcome } from '../gateways/gateway.ts';
import { attemptKey, isId, newId } from '../ids.ts';
import type { Db } from '../storage/db.ts';
import { type Attempt, isCollecting, isOpen, NO_REFERENCE } from './attempt.ts';
import { ADOPTED, attemptsById, attemptsOfCharges, insertAttempts } from './attempts-store.ts';
import type { Charge } from './charge.ts';
import { auditSubject } from './charge-audit.ts';
import { chargesById, updateCharges } from './charges-store.ts';
import type { ChargesContext } from './context.ts';
import type { Refund } from './refund.ts';
import { insertRefunds } from './refunds-store.ts';
import { checkedAmount } from './send.ts';
import { type Settlement, settleAttempts } from './settle.ts';

export type Plan =
  /** The book has it, as it is. */
  | { kind: 'known'; record: GatewayRecord }
  /** The book has the attempt, and takes it for something else than approved. */
  | { kind: 'settle'; record: GatewayRecord; attempt: Attempt }
  /** The book has the charge, and not the attempt. */
  | { kind: 'adopt'; record: GatewayRecord }
  /** Nothing of it can be booked on a charge; `why` in words. `isChargeUnknown`: it may still be a period's. */
  | { kind: 'unexplained'; record: GatewayRecord; isChargeUnknown: boolean; why: string };

/** What each record is to the book; nothing is written. In the trx that is to adopt them, or through the reader. */
export async function planAdoption(db: Db, gateway: string, records: readonly GatewayRecord[]): Promise<Plan[]> {
  const attempts = await attemptsById(
    db,
    records.map(({ attemptId }) => attemptId),
  );
  const charges = await chargesById(
    db,
    records.map(({ chargeId }) => chargeId),
  );
  const strangers = records.filter(({ attemptId }) => !attempts.has(attemptId));
  const byKey = await attemptsByKey(db, strangers);
  // What else was executed under the key of one that has a record of its own was executed a second time.
  for (const { idempotencyKey } of attempts.values()) byKey.delete(idempotencyKey);
  const seen = new Set<string>();
  return records.map((record): Plan => {
    const attempt = attempts.get(record.attemptId) ?? sentAgain(record, byKey);
    const isSeen = seen.has(record.attemptId);
    seen.add(record.attemptId);
    if (isSeen) return { kind: 'known', record };
    if (attempt !== undefined) {
      byKey.delete(attempt.idempotencyKey);
      return planKnown(record, attempt, gateway);
    }
    const charge = charges.get(record.chargeId);
    if (charge === undefined) {
      return { kind: 'unexplained', record, isChargeUnknown: true, why: 'the book does not know the charge' };
    }
    const why = misfit(record, charge);
    return why === null ? { kind: 'adopt', record } : { kind: 'unexplained', record, isChargeUnknown: false, why };
  });
}

async function attemptsByKey(db: Db, records: readonly GatewayRecord[]): Promise<Map<string, Attempt>> {
  const ids = [...new Set(records.flatMap((each) => (each.idempotencyKey == null ? [] : each.chargeId)))];
  const attempts = [...(await attemptsOfCharges(db, ids)).values()].flat();
  return new Map(attempts.map((attempt) => [attempt.idempotencyKey, attempt]));
}

/**
 * The attempt that this book has sent under the very key, not knowing that an older life of it had done so before: the
 * provider has executed the first of them, whose record this is. Unless it tells of two executions: then it had forgotten
 * the key.
 */
function sentAgain(record: GatewayRecord, byKey: ReadonlyMap<string, Attempt>): Attempt | undefined {
  const attempt = byKey.get(record.idempotencyKey ?? '');
  if (attempt === undefined) return undefined;
  const isAnother =
    (attempt.outcome === 'approved' || attempt.outcome === 'duplicate') &&
    attempt.reference !== record.reference &&
    // An operator who names none says of the key that it was executed.
    attempt.reference !== NO_REFERENCE;
  return isAnother ? undefined : attempt;
}

function planKnown(record: GatewayRecord, attempt: Attempt, gateway: string): Plan {
  const isDone = attempt.outcome === 'approved' || attempt.outcome === 'duplicate';
  const isSame = attempt.gateway === gateway && attempt.operation === record.operation;
  const isBookable = isSame && checkedAmount(attempt, approved(record)).kind === 'approved';
  return isDone || !isBookable ? { kind: 'known', record } : { kind: 'settle', record, attempt };
}

/** Why a record can't be an attempt of this charge, or `null`. */
function misfit({ attemptId, operation, amountMinor, currency }: GatewayRecord, charge: Charge): string | null {
  if (!isId('attempt', attemptId)) return 'its attempt is not one of ours';
  if (currency !== charge.currency) return `charge ${charge.id} is in ${charge.currency}`;
  if (isCollecting(operation) && amountMinor !== charge.amountMinor) {
    return `charge ${charge.id} is over ${charge.amountMinor} minor units`;
  }
  return amountMinor > charge.amountMinor ? `charge ${charge.id} is over less` : null;
}

const approved = (record: GatewayRecord): Outcome => ({
  kind: 'approved',
  reference: record.reference,
  amountMinor: record.amountMinor,
  providerCode: null,
});

/** Writes what was planned in this very trx; plans of other kinds are passed over. */
export async function applyAdoption(
  trx: Db,
  context: ChargesContext,
  gateway: string,
  plans: readonly Plan[],
): Promise<void> {
  const adopting = plans.flatMap((plan) => (plan.kind === 'adopt' ? [plan.record] : []));
  await insertAdopted(trx, context, gateway, adopting);
  await settleAttempts(
    trx,
    context,
    plans.flatMap((plan): Settlement[] => {
      if (plan.kind !== 'adopt' && plan.kind !== 'settle') return [];
      const { record } = plan;
      if (plan.kind === 'adopt')
        return [{ attemptId: record.attemptId, outcome: approved(record), source: 'adoption' }];
      return [{ attemptId: plan.attempt.id, outcome: approved(record), source: 'lookup' }];
    }),
  );
}

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
  const versionWas = new Map([...charges.values()].map(({ id, version }) => [id, version]));
  const attempts: Attempt[] = [];
  const refunds: Refund[] = [];
  const audit: AuditEntry[] = [];
  for (const record of records) {
    const charge = charges.get(record.chargeId);
    assert(charge !== undefined, 'what is adopted has its charge');
    const attempt = adoptedAttempt(record, charge, gateway, context.book.bookId, nowMs);
    if (record.operation === 'refund') {
      const refund = adoptedRefund(attempt, nowMs);
      attempt.refundId = refund.id;
      refunds.push(refund);
    }
    attempts.push(attempt);
    charges.set(charge.id, {
      ...charge,
      attemptCount: attempt.number,
      firstAttemptAt: charge.firstAttemptAt ?? record.at,
      objectId: isCollecting(record.operation) ? (record.objectId ?? charge.objectId) : charge.objectId,
      version: (versionWas.get(charge.id) ?? 0) + 1,
      updatedAt: nowMs,
    });
    audit.push({
      ...auditSubject(charge),
      subject: attempt.id,
      action: 'attempt.adopt',
      after: { ...factsOf(record), attempt: attempt.number },
      result: 'adopted',
      gateway,
      amountMinor: record.amountMinor,
    });
  }
  await updateCharges(trx, [...charges.values()], ({ id }) => versionWas.get(id) ?? -1);
  await insertRefunds(trx, refunds);
  await insertAttempts(trx, attempts);
  await appendAudit(trx, context.author, nowMs, audit);
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

function adoptedRefund(attempt: Attempt, nowMs: number): Refund {
  return {
    id: newId('refund', nowMs),
    chargeId: attempt.chargeId,
    attemptId: attempt.id,
    duplicateAttemptId: null,
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
