// A charge: what a customer owes once, and the pure rules of its status. Nothing else changes a status.
import { BursarError } from '../errors.ts';
import type { DeclineClass } from '../gateways/declines.ts';
import type { Operation } from '../gateways/gateway.ts';
import type { AttemptOutcome } from './attempt.ts';

export const CHARGE_STATUSES = [
  'pending',
  'processing',
  'authorized',
  'captured',
  'settling',
  'requires_action',
  'failed',
  'exhausted',
  'unknown',
  'voided',
  'expired',
  'cancelled',
] as const;

export type ChargeStatus = (typeof CHARGE_STATUSES)[number];

export interface Charge {
  id: string;
  customerId: string;
  methodId: string;
  gateway: string;
  scheduleId: string | null;
  /** The local start date of the schedule's period that this charge collects. */
  period: string | null;
  currency: string;
  amountMinor: bigint;
  authorizedMinor: bigint;
  capturedMinor: bigint;
  refundedMinor: bigint;
  refundReservedMinor: bigint;
  /** How it is collected: at once, or authorized first and captured by an operator. */
  intent: 'sale' | 'authorize';
  status: ChargeStatus;
  declineCode: string | null;
  declineClass: DeclineClass | null;
  /** The rule that chose what comes next, as `retries explain` tells it. */
  retryRule: string | null;
  dueAt: number;
  retryAt: number | null;
  policy: string;
  timezone: string | null;
  softDeclines: number;
  transportFailures: number;
  firstAttemptAt: number | null;
  attemptCount: number;
  objectId: string | null;
  objectGeneration: number;
  idempotencyKey: string | null;
  requestHash: string | null;
  description: string | null;
  metadata: Record<string, string>;
  lastRunId: string | null;
  /** Grows with every change: what a writer read must still stand when it writes. */
  version: number;
  /** How many events it has published; their versions have no gaps. */
  eventVersion: number;
  createdAt: number;
  updatedAt: number;
}

/** What the retry policy decided after a collection came to nothing. */
export type AfterFailure = 'retry' | 'wait_for_method' | 'exhausted' | 'pending';

/**
 * The status after an attempt's outcome, keyed by (status, operation, outcome). `afterFailure` is the policy's word and
 * counts only for a collection that was declined or rejected.
 */
export function statusAfter(
  status: ChargeStatus,
  operation: Operation,
  outcome: AttemptOutcome,
  afterFailure: AfterFailure,
): ChargeStatus {
  if (operation === 'sale' || operation === 'authorize')
    return afterCollecting(status, operation, outcome, afterFailure);
  // During capture, void and refund the charge keeps its status; the open attempt tells the rest.
  if (outcome !== 'approved') return status;
  // Money that has moved counts, also where the authorization was thought to be voided or over by then.
  if (operation === 'capture') return 'captured';
  return operation === 'void' && status === 'authorized' ? 'voided' : status;
}

function afterCollecting(
  status: ChargeStatus,
  operation: 'sale' | 'authorize',
  outcome: AttemptOutcome,
  afterFailure: AfterFailure,
): ChargeStatus {
  const collected = status === 'captured' || status === 'authorized';
  switch (outcome) {
    case 'approved':
      // Late news never loses money: an approval counts from every status but one that already has its money.
      return collected ? status : operation === 'sale' ? 'captured' : 'authorized';
    case 'duplicate':
      return status;
    case 'declined':
    case 'rejected':
      if (!IN_FLIGHT.includes(status)) return status;
      return { retry: 'failed', wait_for_method: 'failed', exhausted: 'exhausted', pending: 'pending' }[
        afterFailure
      ] as ChargeStatus;
    case 'settling':
    case 'requires_action':
    case 'unknown':
      return IN_FLIGHT.includes(status) ? outcome : status;
  }
}

/** The `retryRule` of a charge that is cancelled, not retried, if what is under way turns out unpaid. */
export const CANCEL_IF_UNPAID = 'cancel_if_unpaid';

/** A collection is under way: its outcome decides the status. */
export const IN_FLIGHT: readonly ChargeStatus[] = ['processing', 'unknown', 'settling', 'requires_action'];

const OPENABLE: Record<Operation, readonly ChargeStatus[]> = {
  sale: ['pending', 'failed'],
  authorize: ['pending', 'failed'],
  capture: ['authorized'],
  void: ['authorized'],
  refund: ['captured'],
};

/** Refuses (`invalid_state`) an operation that the charge's status doesn't allow. */
export function assertOpenable(charge: Charge, operation: Operation): void {
  if (OPENABLE[operation].includes(charge.status)) return;
  throw new BursarError(
    'invalid_state',
    `Charge ${charge.id} is ${charge.status}; only ${OPENABLE[operation].join(' or ')} charges take a ${operation}. Nothing was sent.`,
    { hint: hintFor(charge, operation) },
  );
}

/** Refuses a replay of a charge that some policy, or a waiting method, still takes care of. */
export function assertReplayable(charge: Charge): void {
  const isStuck = charge.status === 'failed' && charge.retryAt === null;
  if (charge.status === 'exhausted' || isStuck) return;
  throw new BursarError(
    'invalid_state',
    `Charge ${charge.id} is ${charge.status}; only exhausted charges, and failed ones without a time to retry, are replayed. Nothing was sent.`,
    { hint: `Look at it with: bursar charges show ${charge.id}` },
  );
}

function hintFor(charge: Charge, operation: Operation): string {
  if (charge.status === 'captured' && operation === 'void')
    return `Give the money back with: bursar charges refund ${charge.id}`;
  if (charge.status === 'authorized' && operation === 'refund')
    return `Nothing was captured; release it with: bursar charges void ${charge.id}`;
  if (charge.status === 'unknown') return 'Let the next billing run find out first: bursar billing run';
  return `Look at it with: bursar charges show ${charge.id}`;
}

/** What can still be given back, minor units. */
export function refundableMinor(charge: Charge): bigint {
  return charge.capturedMinor - charge.refundedMinor - charge.refundReservedMinor;
}
