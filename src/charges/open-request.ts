// What the pipeline can be asked to open, and how it answers.
import type { BursarError } from '../errors.ts';
import type { Attempt } from './attempt.ts';
import type { Charge } from './charge.ts';
import type { Refund } from './refund.ts';

/** What to open. Amounts are minor units; `null` means all there is. */
export type OpenRequest =
  /** A new charge and its first attempt, in one commit. */
  | { kind: 'create'; charge: Charge; runId: null }
  /** A charge that is due. Answered with `taken` when it no longer is, or this run has tried it already. */
  | { kind: 'collect'; chargeId: string; asOfMs: number; runId: string | null }
  /** An exhausted charge that an operator gives another life, and its next attempt, in one commit. */
  | { kind: 'replay'; chargeId: string; reason: string; runId: null }
  | { kind: 'capture'; chargeId: string; amountMinor: bigint | null; runId: null }
  | { kind: 'void'; chargeId: string; runId: null }
  | { kind: 'refund'; chargeId: string; amountMinor: bigint | null; refund: RefundRequest; runId: null };

export interface RefundRequest {
  id: string;
  reason: string | null;
  idempotencyKey: string | null;
  requestHash: string | null;
  /** Gives back this second approval, as a whole, instead of what the charge collected. */
  duplicateAttemptId: string | null;
}

export type Opened =
  | { kind: 'opened'; charge: Charge; attempt: Attempt }
  /** The same request was made before under the same idempotency key. */
  | { kind: 'replayed'; charge: Charge; refund: Refund | null }
  /** Someone else has it, or it is not due any more. */
  | { kind: 'taken' }
  /** Its payment method was blocked by a hard decline: nothing is sent, now or later. */
  | { kind: 'blocked'; charge: Charge }
  | { kind: 'refused'; error: BursarError };

export const refused = (error: BursarError): Opened => ({ kind: 'refused', error });
