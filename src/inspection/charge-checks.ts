// Charges and refunds against their attempts: status, amounts, counts. The attempts are the facts; a charge only sums
// them up.

import type { Findings } from '../audit/finding.ts';
import type { Db } from '../storage/db.ts';
import { ASKED_PER_KIND } from './asked.ts';
import {
  bodyMismatches,
  type ChargeMismatch,
  chargeMismatches,
  type RefundMismatch,
  refundMismatches,
  strayRefundAttempts,
} from './charge-checks-store.ts';
import { money } from './money-text.ts';

export async function checkCharges(db: Db, findings: Findings): Promise<void> {
  for (const charge of await chargeMismatches(db, ASKED_PER_KIND)) {
    const command = `bursar charges show ${charge.id}`;
    for (const [code, message] of faultsOf(charge)) findings.add(code, charge.id, message, command);
  }
  for (const { id, chargeId, amount, currency } of await bodyMismatches(db, ASKED_PER_KIND)) {
    findings.add(
      'attempt_request',
      id,
      `Attempt ${id} is of ${money(amount, currency)}, but the request that is stored for it names another amount.`,
      `bursar charges show ${chargeId}`,
    );
  }
  await checkRefunds(db, findings);
}

function* faultsOf(charge: ChargeMismatch): Generator<[code: string, message: string]> {
  const { id, status, statusOfAttempts, collections, currency } = charge;
  if (charge.approvedCollections > 1) {
    yield [
      'collected_twice',
      `Charge ${id} has ${charge.approvedCollections} approved collections; at most one may be, any other is a duplicate.`,
    ];
  }
  if (statusOfAttempts !== null && status !== statusOfAttempts) {
    yield ['charge_status', `Charge ${id} is ${status}, but its attempts make it ${statusOfAttempts}.`];
  }
  if (statusOfAttempts === null) {
    const possible = collections === 0 ? UNTRIED : FAILED;
    const why = collections === 0 ? 'it was never tried' : 'each of its attempts came to nothing';
    if (!possible.includes(status)) yield ['charge_status', `Charge ${id} is ${status}, but ${why}.`];
  }
  const amounts = [
    ['charge_authorized', 'authorized', charge.authorized, charge.authorizedOfAttempts],
    ['charge_captured', 'captured', charge.captured, charge.capturedOfAttempts],
    ['charge_refunded', 'refunded', charge.refunded, charge.refundedOfAttempts],
    ['charge_reserved', 'to be refunded', charge.reserved, charge.reservedOfAttempts],
  ] as const;
  for (const [code, what, own, ofAttempts] of amounts) {
    if (own === ofAttempts) continue;
    yield [code, `Charge ${id} says ${money(own, currency)} ${what}, its attempts say ${money(ofAttempts, currency)}.`];
  }
  if (charge.reserved === charge.reservedOfAttempts && charge.reserved !== charge.reservedOfRefunds) {
    yield [
      'charge_reserved',
      `Charge ${id} holds back ${money(charge.reserved, currency)} for refunds, its pending refunds come to ${money(charge.reservedOfRefunds, currency)}.`,
    ];
  }
  const isGapExplained = charge.adopted > 0 && charge.attempts < charge.attemptCount;
  if ((charge.attempts !== charge.attemptCount && !isGapExplained) || charge.lastNumber !== charge.attemptCount) {
    yield [
      'attempt_missing',
      `Charge ${id} counts ${charge.attemptCount} attempts and has ${charge.attempts}, the last with number ${charge.lastNumber}.`,
    ];
  }
  if (charge.foreignAttempts > 0) {
    yield [
      'attempt_currency',
      `Charge ${id} is in ${currency}, but ${charge.foreignAttempts} of its attempts are not.`,
    ];
  }
  if (charge.foreignAmounts > 0) {
    yield [
      'charge_amount',
      `Charge ${id} is of ${money(charge.amount, currency)}, but ${charge.foreignAmounts} of its attempts to collect it were for another amount.`,
    ];
  }
}

const UNTRIED = ['pending', 'cancelled', 'exhausted'];
const FAILED = ['pending', 'failed', 'exhausted', 'cancelled'];

async function checkRefunds(db: Db, findings: Findings): Promise<void> {
  for (const refund of await refundMismatches(db, ASKED_PER_KIND)) {
    const { id, status, amount, currency, attemptId, attemptAmount, attemptCurrency, attemptOutcome } = refund;
    const command = `bursar charges show ${refund.chargeId}`;
    if (attemptAmount === null || attemptCurrency === null) {
      findings.add(
        'refund_attempt',
        id,
        `Refund ${id} names attempt ${attemptId ?? '(none)'}, which is not there.`,
        command,
      );
    } else if (
      refund.attemptOperation !== 'refund' ||
      refund.attemptRefundId !== id ||
      refund.attemptChargeId !== refund.chargeId
    ) {
      findings.add(
        'refund_attempt',
        id,
        `Refund ${id} names attempt ${attemptId}, which is not the attempt of this refund.`,
        command,
      );
    } else if (amount !== attemptAmount || currency !== attemptCurrency) {
      findings.add(
        'refund_amount',
        id,
        `Refund ${id} is of ${money(amount, currency)}, its attempt of ${money(attemptAmount, attemptCurrency)}.`,
        command,
      );
    } else if (refund.duplicateId !== null && !isOfItsDuplicate(refund)) {
      findings.add(
        'refund_duplicate',
        id,
        `Refund ${id} of ${money(amount, currency)} gives back attempt ${refund.duplicateId}, which is not a second approval of its charge over that amount.`,
        command,
      );
    } else {
      findings.add(
        'refund_status',
        id,
        `Refund ${id} is ${status}, but its attempt ${attemptId} is ${attemptOutcome ?? 'under way'}.`,
        command,
      );
    }
  }
  for (const { id, chargeId } of await strayRefundAttempts(db, ASKED_PER_KIND)) {
    findings.add(
      'refund_missing',
      id,
      `Attempt ${id} gives money back, but no refund belongs to it.`,
      `bursar charges show ${chargeId}`,
    );
  }
}

function isOfItsDuplicate({ amount, chargeId, duplicateOutcome, duplicateAmount, duplicateChargeId }: RefundMismatch) {
  return duplicateOutcome === 'duplicate' && duplicateAmount === amount && duplicateChargeId === chargeId;
}
