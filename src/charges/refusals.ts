// What the pipeline refuses at open, each with what was not done and what to do next.
import type { PaymentMethod } from '../customers/customer.ts';
import { BursarError } from '../errors.ts';
import type { Operation } from '../gateways/gateway.ts';
import { formatMoney } from '../money/money.ts';
import type { CommitUnknown } from '../storage/trx.ts';
import type { Charge } from './charge.ts';

export function attemptOpen(charge: Charge): BursarError {
  return new BursarError('attempt_open', `Charge ${charge.id} has an attempt under way. Nothing was sent.`, {
    hint: `See it with: bursar attempts list --charge ${charge.id}; the next billing run finds out what came of it.`,
  });
}

export function keyReused(key: string, id: string): BursarError {
  return new BursarError(
    'idempotency_conflict',
    `The idempotency key "${key}" was used for ${id} with other values. Nothing was sent or written.`,
    { hint: 'Repeat the request exactly as it was, or use a new key for a new one.' },
  );
}

export function methodBlocked(method: PaymentMethod): BursarError {
  return new BursarError(
    'method_blocked',
    `Payment method ${method.id} was blocked by a hard decline (${method.blockedCode ?? 'unknown'}). Nothing was sent.`,
    { hint: 'Add another payment method of the customer and charge that one.' },
  );
}

export function pausedError(gateway: string, reason: string): BursarError {
  return new BursarError('paused', `Sending to ${gateway} is paused: ${reason}. Nothing was sent or written.`, {
    hint: 'When the incident is over: bursar resume --reason "…"',
  });
}

export function nothingLeft(charge: Charge, operation: Operation): BursarError {
  return new BursarError(
    'amount_exceeds',
    `Nothing of charge ${charge.id} is left to ${operation}. Nothing was sent.`,
    {
      hint: `Look at it with: bursar charges show ${charge.id}`,
    },
  );
}

export function amountExceeds(charge: Charge, operation: Operation, limit: bigint, asked: bigint): BursarError {
  return new BursarError(
    'amount_exceeds',
    `Charge ${charge.id} has ${formatMoney(limit, charge.currency)} left to ${operation}, ${formatMoney(asked, charge.currency)} were asked for. Nothing was sent.`,
    { hint: `Look at it with: bursar charges show ${charge.id}` },
  );
}

/** Why this method can't be charged any more, or `null`. */
export function unusableMethod(method: PaymentMethod): BursarError | null {
  if (method.blockedAt !== null) return methodBlocked(method);
  if (method.removedAt === null) return null;
  return new BursarError('invalid_state', `Payment method ${method.id} was removed. Nothing was sent.`, {
    hint: 'Use another payment method of the customer.',
  });
}

/** The charge was claimed and perhaps sent, and the book could not be told what came of it. */
export function outcomeUnrecorded(chargeId: string, cause: unknown): BursarError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new BursarError(
    'outcome_unrecorded',
    `Charge ${chargeId} was claimed and may have been sent; what came of it could not be recorded. ${why}`,
    { hint: 'Do not repeat it. The next billing run finds out: bursar billing run', cause },
  );
}

/** The charge may have been claimed, and nothing was sent: if it was, the next run collects it. */
export function openUnrecorded(chargeId: string, cause: Error): BursarError {
  return new BursarError(
    'outcome_unrecorded',
    `Charge ${chargeId} may have been written and was not sent. ${cause.message}`,
    {
      hint: `Do not repeat it before you have looked: bursar charges show ${chargeId}. If it is there, the next billing run collects it.`,
      cause,
    },
  );
}

/** The commit that would have claimed the charge failed and does not stand. */
export function notOpened(chargeId: string, cause: CommitUnknown): BursarError {
  return new BursarError(
    'commit_unknown',
    `The book did not take the commit that claims charge ${chargeId}${cause.why} It was looked up: nothing of it stands, and nothing was sent.`,
    { hint: 'Look at the disk, then run the command again.', cause },
  );
}
