// What may still prove an attempt whose outcome nobody knows, and what was tried so far: pure rules, shared by what
// proves (recovery), what an operator is refused (resolve), and what is shown.
import { type Capabilities, COLLECTING, type Operation } from '../gateways/gateway.ts';
import type { Attempt } from './attempt.ts';
import type { ProofResult } from './proof-result.ts';
import { resendWindowMs } from './send.ts';

/** The steps of one round: how many were made, what the last came to, and before when another is of no use. */
export interface ProofNote {
  tries: number;
  result: ProofResult;
  nextAtMs: number | null;
}

/** The attempt with what was tried now. */
export function noted(attempt: Attempt, { tries, result, nextAtMs }: ProofNote, nowMs: number): Attempt {
  return {
    ...attempt,
    proofTries: attempt.proofTries + tries,
    proofTriedAt: nowMs,
    proofResult: result,
    proofNextAt: nextAtMs,
  };
}

/**
 * How long a request may be on its way after its sender is gone: the system goes on repeating what it was given for some
 * 15 minutes (tcp_retries2, https://docs.kernel.org/networking/ip-sysctl.html).
 */
export const ON_ITS_WAY_MS = 16 * 60_000;

type Proving = Pick<Capabilities, 'keyRetentionMs' | 'lookupLagMs' | 'absenceProof'>;

/** Closing belongs to the object that collects: it would undo what a capture, void or refund acts on. */
export function canClose({ absenceProof }: Pick<Capabilities, 'absenceProof'>, operation: Operation): boolean {
  return absenceProof === 'cancel' && COLLECTING.includes(operation);
}

/** Until when the stored request may go out again, epoch milliseconds. */
export function resendUntilMs(attempt: Attempt, { keyRetentionMs }: Pick<Capabilities, 'keyRetentionMs'>): number {
  return attempt.firstSentAt + resendWindowMs(keyRetentionMs);
}

/** Until when the provider promises to know the key, epoch milliseconds; `null` where it promises nothing. */
export function keyProtectsUntilMs(
  attempt: Attempt,
  { keyRetentionMs }: Pick<Capabilities, 'keyRetentionMs'>,
): number | null {
  return keyRetentionMs === null ? null : attempt.firstSentAt + keyRetentionMs;
}

/** When a lookup that finds nothing begins to count, epoch milliseconds. */
export function absenceCountsAtMs(attempt: Attempt, { lookupLagMs }: Pick<Capabilities, 'lookupLagMs'>): number {
  return attempt.lastSentAt + lookupLagMs;
}

/** What can still prove an unknown attempt without a person. Times are epoch milliseconds. */
export type Prospect =
  /** Its own process is still at work. */
  | { by: 'sender' }
  /** The same request again, from `fromMs` (a lagging lookup has to be waited for) until `untilMs`. */
  | { by: 'resend'; fromMs: number | null; untilMs: number }
  /** Closing its payment object. */
  | { by: 'close' }
  /** The gateway has not yet been asked at a time when its answer counts. */
  | { by: 'lookup'; fromMs: number | null }
  /** Nothing: an operator has to say. */
  | { by: 'operator' };

/** `capabilities`: null where the configuration has no such gateway. */
export function prospectOf(
  attempt: Attempt,
  capabilities: Proving | null,
  nowMs: number,
  isSenderAlive: boolean,
): Prospect {
  if (isSenderAlive) return { by: 'sender' };
  if (capabilities === null || attempt.proofResult === 'mismatch') return { by: 'operator' };
  const countsAtMs = absenceCountsAtMs(attempt, capabilities);
  const untilMs = resendUntilMs(attempt, capabilities);
  const fromMs = countsAtMs > nowMs ? countsAtMs : null;
  if (canClose(capabilities, attempt.operation) && attempt.proofResult !== 'close_unsupported') {
    return untilMs >= nowMs ? { by: 'resend', fromMs: null, untilMs } : { by: 'close' };
  }
  if (untilMs >= Math.max(nowMs, countsAtMs)) return { by: 'resend', fromMs, untilMs };
  // Asked while the last send may still arrive, its absence says nothing.
  const quietAtMs = Math.max(countsAtMs, attempt.lastSentAt + ON_ITS_WAY_MS);
  const isAbsent = attempt.proofResult === 'absent' || attempt.proofResult === 'close_unsupported';
  const isAnswered = isAbsent && attempt.proofTriedAt !== null && attempt.proofTriedAt >= quietAtMs;
  return isAnswered ? { by: 'operator' } : { by: 'lookup', fromMs: quietAtMs > nowMs ? quietAtMs : null };
}
