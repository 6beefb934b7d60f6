// A refund: part or all of what was captured, given back. It reserves its amount when it opens, and the reservation is
// released only on proof that it came to nothing. The refund of a duplicate gives back that attempt's amount as a whole
// and stays out of the charge's own sums.
export const REFUND_STATUSES = ['pending', 'succeeded', 'failed'] as const;

export type RefundStatus = (typeof REFUND_STATUSES)[number];

export interface Refund {
  id: string;
  chargeId: string;
  attemptId: string | null;
  amountMinor: bigint;
  currency: string;
  status: RefundStatus;
  reason: string | null;
  idempotencyKey: string | null;
  requestHash: string | null;
  /** The second approval of the charge that it gives back; null for what the charge itself collected. */
  duplicateAttemptId: string | null;
  createdAt: number;
  updatedAt: number;
}
