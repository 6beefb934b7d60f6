// An attempt: one operation for a charge, sent once or more, always with the same key and body; and the pure rules of
// which news about it counts.
import type { DeclineClass } from '../gateways/declines.ts';
import { COLLECTING, type GatewayRequest, type Operation, type Outcome } from '../gateways/gateway.ts';
import type { ProofResult } from './proof-result.ts';

/** `null` in the book while the first send is under way. `duplicate`: a second approval of the same charge. */
export const ATTEMPT_OUTCOMES = [
  'approved',
  'declined',
  'rejected',
  'requires_action',
  'settling',
  'unknown',
  'duplicate',
] as const satisfies readonly (Outcome['kind'] | 'duplicate')[];

export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number];

export interface Attempt {
  id: string;
  chargeId: string;
  number: number;
  operation: Operation;
  gateway: string;
  methodId: string;
  amountMinor: bigint;
  currency: string;
  refundId: string | null;
  idempotencyKey: string;
  body: string;
  apiVersion: string;
  objectId: string | null;
  outcome: AttemptOutcome | null;
  /** Its end was overturned: approved after it had been declined or rejected, or a refund that failed after all. */
  late: boolean;
  reference: string | null;
  providerCode: string | null;
  providerMessage: string | null;
  declineCode: string | null;
  declineClass: DeclineClass | null;
  /** How often it went out, and how many of those sends are not proved to have come to nothing. */
  sends: number;
  unprovenSends: number;
  firstSentAt: number;
  lastSentAt: number;
  ownerId: string | null;
  epoch: number;
  /** What was tried to find out what became of it (see proof.ts): steps, the last one's time and result, the next. */
  proofTries: number;
  proofTriedAt: number | null;
  proofResult: ProofResult | null;
  proofNextAt: number | null;
  runId: string | null;
  openedAt: number;
  settledAt: number | null;
}

/** Stands for the provider's reference where an operator told of an approval and named none. */
export const NO_REFERENCE = 'operator';

export function isCollecting(operation: Operation): boolean {
  return COLLECTING.includes(operation);
}

export function isOpen(attempt: Attempt): boolean {
  return attempt.outcome === null || OPEN_OUTCOMES.includes(attempt.outcome);
}

export const OPEN_OUTCOMES: readonly AttemptOutcome[] = ['unknown', 'settling', 'requires_action'];

/** The stored request as it goes out: the same every time. */
export function requestOf(attempt: Attempt): GatewayRequest {
  return {
    operation: attempt.operation,
    chargeId: attempt.chargeId,
    attemptId: attempt.id,
    idempotencyKey: attempt.idempotencyKey,
    body: attempt.body,
    apiVersion: attempt.apiVersion,
    objectId: attempt.objectId,
    amountMinor: attempt.amountMinor,
    currency: attempt.currency,
  };
}

/** Where news about an attempt comes from: what one send answered, or what proves the attempt as a whole. */
export type NewsSource = 'send' | 'lookup' | 'cancel' | 'operator' | 'adoption';

/** What the attempt's outcome becomes, or `null` when the news changes nothing. */
export interface Verdict {
  outcome: AttemptOutcome;
  late: boolean;
  unprovenSends: number;
}

/** A refund that was approved, and that the provider reported failed later. */
export function hasFailedLate({ operation, outcome, late }: Pick<Attempt, 'operation' | 'outcome' | 'late'>): boolean {
  return operation === 'refund' && outcome === 'declined' && late;
}

/**
 * Outcome precedence: approved over declined and rejected; a final state over an older one; late news never loses
 * money. `rejected` belongs to a send: the attempt is rejected only when every one of its sends was.
 * A refund may fail at the provider after it was approved: that final state, looked up or told by an operator, counts.
 * `chargeCollected`: another attempt of the charge has collected already (for a capture: captured).
 */
export function judge(attempt: Attempt, news: Outcome, source: NewsSource, chargeCollected: boolean): Verdict | null {
  const { outcome: current, unprovenSends } = attempt;
  if (attempt.operation === 'refund') {
    // What failed late is over for good: the provider ends a refund once more at most.
    if (hasFailedLate(attempt)) return null;
    const isProviderState = source === 'lookup' || source === 'operator';
    if (current === 'approved' && news.kind === 'declined' && isProviderState) {
      return { outcome: 'declined', late: true, unprovenSends: 0 };
    }
  }
  if (current === 'approved' || current === 'duplicate') return null;
  const final = current === 'declined' || current === 'rejected';
  if (news.kind === 'approved') {
    const duplicate = (isCollecting(attempt.operation) || attempt.operation === 'capture') && chargeCollected;
    return { outcome: duplicate ? 'duplicate' : 'approved', late: final, unprovenSends: 0 };
  }
  if (final) return null;
  switch (news.kind) {
    case 'declined':
      return { outcome: 'declined', late: false, unprovenSends: 0 };
    case 'rejected': {
      const unproven = source === 'send' ? Math.max(0, unprovenSends - 1) : 0;
      if (unproven > 0) return { outcome: current ?? 'unknown', late: false, unprovenSends: unproven };
      return { outcome: 'rejected', late: false, unprovenSends: 0 };
    }
    case 'unknown':
      return { outcome: current ?? 'unknown', late: false, unprovenSends };
    case 'settling':
    case 'requires_action':
      return { outcome: news.kind, late: false, unprovenSends };
  }
}
