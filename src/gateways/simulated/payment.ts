// What the simulated bank keeps: one payment object per charge, a record per operation on it, and what was executed.
import type { DeclineCode } from '../declines.ts';
import type { GatewayRecord, Operation } from '../gateway.ts';

export const PAYMENT_STATUSES = [
  'open',
  'requires_action',
  'settling',
  'authorized',
  'captured',
  'voided',
  'cancelled',
] as const;
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number];

/** The payment object. `open`: nothing executed yet, or declined; it may be confirmed. */
export interface Payment {
  id: string;
  chargeId: string;
  /** The token it was last confirmed with; its faults belong to all later operations too. */
  token: string;
  currency: string;
  status: PaymentStatus;
  /** What the last confirmation asked for, so that settling and requires_action know what they become. */
  intent: 'sale' | 'authorize' | null;
  amountMinor: bigint;
  capturedMinor: bigint;
  refundedMinor: bigint;
  settlesAt: number | null;
  /** How many operations it has recorded: the next one's reference is numbered after it. */
  operationCount: number;
}

/** One request to execute an operation. `digest` tells bodies apart. */
export interface Order {
  operation: Operation;
  paymentId: string;
  chargeId: string;
  attemptId: string;
  token: string;
  amountMinor: bigint;
  currency: string;
  key: string;
  digest: string;
}

export type RecordStatus = 'approved' | 'declined' | 'requires_action' | 'settling';

/** What an operation came to: kept for lookups, and the answer that its key replays. */
export interface OperationRecord {
  key: string;
  paymentId: string;
  attemptId: string;
  operation: Operation;
  digest: string;
  status: RecordStatus;
  reference: string;
  amountMinor: bigint;
  currency: string;
  decline: DeclineCode | null;
  at: number;
}

/** A line of what the bank really did. `at` lies ahead of now for a debit that is still settling. */
export interface Executed extends GatewayRecord {
  /** When a refund failed after all, though it had been approved; null for what stands. */
  failedAt: number | null;
  paymentId: string;
  key: string;
}

/** Every refusal and its HTTP status. */
export const REFUSALS = {
  malformed_request: 400,
  unauthorized: 401,
  payment_not_found: 404,
  key_reuse: 409,
  payment_already_authorized: 409,
  payment_already_captured: 409,
  payment_in_progress: 409,
  payment_cancelled: 409,
  payment_executed: 409,
  body_too_large: 413,
  amount_exceeds: 422,
  amount_mismatch: 422,
  payment_not_authorized: 422,
  payment_not_captured: 422,
  payment_voided: 422,
  rate_limited: 429,
} as const;
export type RefusalCode = keyof typeof REFUSALS;

/** A second collection that was refused. */
export interface Refusal {
  code: RefusalCode;
  operation: Operation;
  chargeId: string;
  attemptId: string;
  paymentId: string;
  key: string;
  at: number;
}
