// What each record of a gateway is to the book. By its attempt, or by its key: a book that lost an attempt sends the same
// key again under an attempt of its own, and the gateway's records go on naming the lost one. Pure but for its reads.
import type { GatewayRecord, Outcome } from '../gateways/gateway.ts';
import { isId } from '../ids.ts';
import type { Db } from '../storage/db.ts';
import { type Attempt, hasFailedLate, isCollecting, NO_REFERENCE } from './attempt.ts';
import { attemptsById, attemptsOfCharges } from './attempts-store.ts';
import type { Charge } from './charge.ts';
import { chargesById } from './charges-store.ts';
import { checkedAmount } from './send.ts';

export type Plan =
  /** The book has it, as it is. */
  | { kind: 'known'; record: GatewayRecord }
  /** The book has the attempt, and takes it for something else than the gateway does. */
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
  const lost = records.filter(({ attemptId, chargeId }) => !attempts.has(attemptId) && charges.has(chargeId));
  const ofCharges = await attemptsOfCharges(db, [...new Set(lost.map(({ chargeId }) => chargeId))]);
  const seen = new Set<string>();
  return records.map((record): Plan => {
    const isSeen = seen.has(record.attemptId);
    seen.add(record.attemptId);
    if (isSeen) return { kind: 'known', record };
    const attempt =
      attempts.get(record.attemptId) ??
      // What else was executed under the key of one that has a record of its own was executed a second time.
      underItsKey(
        record,
        gateway,
        (ofCharges.get(record.chargeId) ?? []).filter(({ id }) => !attempts.has(id)),
      );
    if (attempt !== undefined) return planKnown(record, attempt, gateway);
    const charge = charges.get(record.chargeId);
    if (charge === undefined) {
      return { kind: 'unexplained', record, isChargeUnknown: true, why: 'the book does not know the charge' };
    }
    const why = misfit(record, charge);
    return why === null ? { kind: 'adopt', record } : { kind: 'unexplained', record, isChargeUnknown: false, why };
  });
}

/** Another reference than the one that answered the key tells of another execution: the provider had forgotten the key. */
function isAnother(attempt: Attempt, { reference }: GatewayRecord): boolean {
  if (attempt.outcome !== 'approved' && attempt.outcome !== 'duplicate') return false;
  // An operator who names none says of the key that it was executed.
  return attempt.reference !== reference && attempt.reference !== NO_REFERENCE;
}

function underItsKey(record: GatewayRecord, gateway: string, ofCharge: readonly Attempt[]): Attempt | undefined {
  const { idempotencyKey, operation } = record;
  if (idempotencyKey == null) return undefined;
  return ofCharge.find(
    (attempt) =>
      attempt.idempotencyKey === idempotencyKey &&
      attempt.gateway === gateway &&
      attempt.operation === operation &&
      !isAnother(attempt, record),
  );
}

function planKnown(record: GatewayRecord, attempt: Attempt, gateway: string): Plan {
  const isSame = attempt.gateway === gateway && attempt.operation === record.operation;
  const isBookable = isSame && checkedAmount(attempt, approved(record)).kind === 'approved';
  const isDone =
    attempt.outcome === 'duplicate' ||
    hasFailedLate(attempt) ||
    (attempt.outcome === 'approved' && !hasFailedSince(record));
  return isDone || !isBookable ? { kind: 'known', record } : { kind: 'settle', record, attempt };
}

/** A refund that was executed and that the provider has undone since. */
export function hasFailedSince({ operation, failedAt }: GatewayRecord): boolean {
  return operation === 'refund' && failedAt != null;
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

export const approved = (record: GatewayRecord): Outcome => ({
  kind: 'approved',
  reference: record.reference,
  amountMinor: record.amountMinor,
  providerCode: null,
});
