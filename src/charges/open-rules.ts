// Pure rules of opening: which operation a request is, how much it is about, and what a replay makes of its charge.
import type { Operation } from '../gateways/gateway.ts';
import type { Attempt } from './attempt.ts';
import { assertReplayable, type Charge, refundableMinor } from './charge.ts';
import type { OpenRequest, RefundRequest } from './open-request.ts';
import type { Refund } from './refund.ts';
import { amountExceeds, nothingLeft } from './refusals.ts';

export function operationOf(request: OpenRequest, charge: Charge): Operation {
  const collects = request.kind === 'create' || request.kind === 'collect' || request.kind === 'replay';
  return collects ? charge.intent : request.kind;
}

/** The charge as it begins another life: the policy counts from here again. */
export function revived(charge: Charge, nowMs: number): Charge {
  assertReplayable(charge);
  return {
    ...charge,
    status: 'pending',
    retryRule: 'replayed',
    dueAt: nowMs,
    softDeclines: 0,
    transportFailures: 0,
    firstAttemptAt: null,
    eventVersion: charge.eventVersion + 1,
  };
}

export function amountOf(request: OpenRequest, charge: Charge, operation: Operation): bigint {
  const asked = request.kind === 'capture' || request.kind === 'refund' ? request.amountMinor : null;
  const limit =
    operation === 'refund'
      ? refundableMinor(charge)
      : operation === 'capture' || operation === 'void'
        ? charge.authorizedMinor
        : charge.amountMinor;
  if (limit <= 0n) throw nothingLeft(charge, operation);
  if (asked !== null && asked > limit) throw amountExceeds(charge, operation, limit, asked);
  return asked ?? limit;
}

export function toRefund(request: RefundRequest, attempt: Attempt, nowMs: number): Refund {
  return {
    ...request,
    chargeId: attempt.chargeId,
    attemptId: attempt.id,
    amountMinor: attempt.amountMinor,
    currency: attempt.currency,
    status: 'pending',
    createdAt: nowMs,
    updatedAt: nowMs,
  };
}

/** Whether a charge that is to be collected is still due, and not tried by this run yet; any other request is. */
export function isDue(request: OpenRequest, charge: Charge): boolean {
  if (request.kind !== 'collect') return true;
  if (request.runId !== null && charge.lastRunId === request.runId) return false;
  if (charge.status === 'pending') return charge.dueAt <= request.asOfMs;
  return charge.status === 'failed' && charge.retryAt !== null && charge.retryAt <= request.asOfMs;
}
