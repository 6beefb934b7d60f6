// The table of what a charge becomes, whole: every status, operation and outcome, written out.
import { expect, test } from 'vitest';
import { ATTEMPT_OUTCOMES, type AttemptOutcome } from '../../../src/charges/attempt.ts';
import { type AfterFailure, CHARGE_STATUSES, type ChargeStatus, statusAfter } from '../../../src/charges/charge.ts';
import type { Operation } from '../../../src/gateways/gateway.ts';

const COLLECTED: readonly ChargeStatus[] = ['captured', 'authorized'];
const UNDER_WAY: readonly ChargeStatus[] = ['processing', 'unknown', 'settling', 'requires_action'];

/** Per operation and outcome: the statuses that change, and what to. Every other status stays as it is. */
type Change = { from: readonly ChargeStatus[]; to: ChargeStatus };
const notCollected = CHARGE_STATUSES.filter((status) => !COLLECTED.includes(status));

const TABLE: Record<Operation, Partial<Record<AttemptOutcome, Change>>> = {
  sale: {
    approved: { from: notCollected, to: 'captured' },
    settling: { from: UNDER_WAY, to: 'settling' },
    requires_action: { from: UNDER_WAY, to: 'requires_action' },
    unknown: { from: UNDER_WAY, to: 'unknown' },
  },
  authorize: {
    approved: { from: notCollected, to: 'authorized' },
    settling: { from: UNDER_WAY, to: 'settling' },
    requires_action: { from: UNDER_WAY, to: 'requires_action' },
    unknown: { from: UNDER_WAY, to: 'unknown' },
  },
  capture: { approved: { from: CHARGE_STATUSES, to: 'captured' } },
  void: { approved: { from: ['authorized'], to: 'voided' } },
  refund: {},
};

const FAILURES: Record<AfterFailure, ChargeStatus> = {
  retry: 'failed',
  wait_for_method: 'failed',
  exhausted: 'exhausted',
  pending: 'pending',
};

for (const operation of Object.keys(TABLE) as Operation[]) {
  const collects = operation === 'sale' || operation === 'authorize';
  test.each(ATTEMPT_OUTCOMES.map((outcome) => [outcome] as const))(`${operation} %s`, (outcome) => {
    const isFailure = collects && (outcome === 'declined' || outcome === 'rejected');
    for (const [afterFailure, failed] of Object.entries(FAILURES) as [AfterFailure, ChargeStatus][]) {
      const change = isFailure ? { from: UNDER_WAY, to: failed } : TABLE[operation][outcome];
      for (const status of CHARGE_STATUSES) {
        const expected = change?.from.includes(status) ? change.to : status;
        expect([status, statusAfter(status, operation, outcome, afterFailure)]).toEqual([status, expected]);
      }
    }
  });
}
