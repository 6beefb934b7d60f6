// What a failed collection makes of its charge: the failure is counted, and the retry policy says what comes next.
import { assert, BursarError } from '../errors.ts';
import type { Outcome } from '../gateways/gateway.ts';
import { type Decision, decide, type RetryPolicy } from '../retries/policy.ts';
import type { Attempt, NewsSource } from './attempt.ts';
import { type AfterFailure, CANCEL_IF_UNPAID, type Charge, statusAfter } from './charge.ts';
import type { ChargesContext } from './context.ts';
import { isOwnStop } from './send.ts';

type Ports = Pick<ChargesContext, 'policy' | 'random' | 'timezone'>;

export interface Failure {
  /** With the outcome that it came to. */
  attempt: Attempt;
  outcome: Outcome;
  source: NewsSource;
}

/** The charge after its attempt was declined or rejected; its version is the caller's to raise. */
export function afterFailure(ports: Ports, nowMs: number, charge: Charge, failure: Failure): Charge {
  const { attempt } = failure;
  const failedClass = attempt.declineClass;
  assert(failedClass !== null, 'a failed attempt has a class');
  const next: Charge = {
    ...charge,
    declineCode: attempt.declineCode,
    declineClass: failedClass,
    softDeclines: charge.softDeclines + (failedClass === 'soft' ? 1 : 0),
    transportFailures:
      failedClass === 'transport'
        ? charge.transportFailures + 1
        : failedClass === 'ours'
          ? charge.transportFailures
          : 0,
  };
  const decision = decisionFor(ports, nowMs, next, failure);
  // What our own configuration broke was no attempt at the customer's money: the charge is due as it was before.
  const after: AfterFailure = decision.kind === 'retry' && failedClass === 'ours' ? 'pending' : decision.kind;
  next.retryRule = decision.rule;
  next.retryAt = after === 'retry' && decision.kind === 'retry' ? decision.retryAtMs : null;
  next.status = statusAfter(charge.status, attempt.operation, attempt.outcome ?? 'rejected', after);
  if (charge.retryRule === CANCEL_IF_UNPAID) {
    next.status = 'cancelled';
    next.retryAt = null;
    next.retryRule = CANCEL_IF_UNPAID;
  }
  return next;
}

function decisionFor(ports: Ports, nowMs: number, charge: Charge, { attempt, outcome, source }: Failure): Decision {
  const { declineClass: failedClass } = attempt;
  assert(failedClass !== null, 'a failed attempt has a class');
  if (source === 'operator') return exhausted('operator', 'resolved by an operator');
  // Nobody enters a period a second time by hand, so one that we ourselves did not send is due again, whatever the policy.
  if (charge.scheduleId !== null && isOwnStop(attempt.declineCode)) {
    return { kind: 'retry', retryAtMs: nowMs, rule: 'not_sent', reason: 'stopped before it was sent' };
  }
  const policy = policyOf(ports, charge.policy);
  if (policy === null) return exhausted('policy_missing', `there is no policy ${charge.policy} any more`);
  return decide({
    policy,
    declineClass: failedClass,
    declineCode: outcome.kind === 'declined' ? outcome.decline : null,
    softDeclines: charge.softDeclines,
    transportFailures: charge.transportFailures,
    firstAttemptAtMs: charge.firstAttemptAt ?? attempt.openedAt,
    nowMs,
    retryAfterMs: outcome.kind === 'rejected' ? outcome.retryAfterMs : null,
    timezone: charge.timezone ?? ports.timezone,
    random: ports.random,
  });
}

/** `null` when the configuration has lost it: a fact must be settled all the same. */
function policyOf({ policy }: Ports, name: string): RetryPolicy | null {
  try {
    return policy(name);
  } catch (error) {
    if (error instanceof BursarError) return null;
    throw error;
  }
}

const exhausted = (rule: string, reason: string): Decision => ({
  kind: 'exhausted',
  rule,
  reason,
  fixableBy: 'operator',
});
