// Any news in any order about any attempts of a charge: what the rules make of it never loses money, never counts it
// twice, and never depends on news that is older than what is known.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Attempt, isOpen, judge, type NewsSource } from '../../src/charges/attempt.ts';
import { type AfterFailure, type ChargeStatus, statusAfter } from '../../src/charges/charge.ts';
import type { Outcome } from '../../src/gateways/gateway.ts';

const runs = process.env.BURSAR_SOAK === '1' ? 200_000 : 5_000;

const nothing = { providerCode: null, providerMessage: null };
const OUTCOMES: Outcome[] = [
  { kind: 'approved', reference: 'r', amountMinor: 1n, providerCode: null },
  { kind: 'declined', decline: 'do_not_honor', reference: null, ...nothing },
  { kind: 'rejected', reason: 'transport', retryAfterMs: null, ...nothing },
  { kind: 'requires_action', reference: 'r', actionUrl: null },
  { kind: 'settling', reference: 'r' },
  { kind: 'unknown', reason: 'timeout', ...nothing },
];

const outcome = fc.constantFrom(...OUTCOMES);
const source = fc.constantFrom<NewsSource>('send', 'lookup', 'cancel', 'operator');
const afterFailure = fc.constantFrom<AfterFailure>('retry', 'wait_for_method', 'exhausted', 'pending');
const operation = fc.constantFrom<'sale' | 'authorize'>('sale', 'authorize');

/** News about one of the attempts opened so far, a resend of the open one, or a new attempt where none is open. */
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('news' as const), which: fc.nat(5), outcome, source, afterFailure }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('resend' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('open' as const) }) },
);

interface World {
  status: ChargeStatus;
  attempts: Attempt[];
}

function opened(number: number, asked: 'sale' | 'authorize'): Attempt {
  return {
    id: `att_${number}`,
    chargeId: 'ch_1',
    number,
    operation: asked,
    gateway: 'g',
    methodId: 'pm_1',
    amountMinor: 1n,
    currency: 'USD',
    refundId: null,
    idempotencyKey: `key ${number}`,
    body: '{}',
    apiVersion: '1',
    objectId: null,
    outcome: null,
    late: false,
    reference: null,
    ...nothing,
    declineCode: null,
    declineClass: null,
    sends: 1,
    unprovenSends: 1,
    firstSentAt: 0,
    lastSentAt: 0,
    ownerId: null,
    epoch: 1,
    proofTries: 0,
    proofTriedAt: null,
    proofResult: null,
    proofNextAt: null,
    runId: null,
    openedAt: 0,
    settledAt: null,
  };
}

const approvedIn = ({ attempts }: World): Attempt[] => attempts.filter((each) => each.outcome === 'approved');
const isCollected = (status: ChargeStatus): boolean => status === 'captured' || status === 'authorized';

test('news in any order', () => {
  fc.assert(
    fc.property(operation, fc.array(step, { maxLength: 30 }), (asked, steps) => {
      const world: World = { status: 'processing', attempts: [opened(1, asked)] };
      for (const each of steps) {
        const open = world.attempts.find(isOpen);
        if (each.kind === 'open') {
          if (open !== undefined || isCollected(world.status)) continue;
          world.attempts.push(opened(world.attempts.length + 1, asked));
          world.status = 'processing';
          continue;
        }
        if (each.kind === 'resend') {
          if (open?.outcome === 'unknown')
            Object.assign(open, { sends: open.sends + 1, unprovenSends: open.unprovenSends + 1 });
          continue;
        }
        const attempt = world.attempts[each.which % world.attempts.length];
        if (attempt === undefined) continue;
        const before = { ...attempt, status: world.status };
        const collectedByAnother = approvedIn(world).some(({ id }) => id !== attempt.id);
        const verdict = judge(attempt, each.outcome, each.source, collectedByAnother);
        if (verdict === null) continue;
        Object.assign(attempt, verdict);
        world.status = statusAfter(world.status, asked, verdict.outcome, each.afterFailure);

        // Every approval is told: as the payment, or as a duplicate of it.
        if (each.outcome.kind === 'approved') expect(['approved', 'duplicate']).toContain(attempt.outcome);
        // The payment is never taken back by later news.
        if (isCollected(before.status)) expect(world.status).toBe(before.status);
        if (before.outcome === 'approved' || before.outcome === 'duplicate')
          expect(attempt.outcome).toBe(before.outcome);
        // A final word is only ever changed by an approval.
        if (before.outcome === 'declined' || before.outcome === 'rejected') expect(attempt.late).toBe(true);
        // One send that came to nothing never speaks for the others.
        if (each.outcome.kind === 'rejected' && each.source === 'send' && before.unprovenSends > 1) {
          expect(attempt.outcome).not.toBe('rejected');
        }
      }
      // At most one payment, and the charge is collected exactly when there is one.
      expect(approvedIn(world).length).toBeLessThanOrEqual(1);
      expect(isCollected(world.status)).toBe(approvedIn(world).length === 1);
      // Nothing is under way without an attempt that is.
      const underWay = ['processing', 'unknown', 'settling', 'requires_action'].includes(world.status);
      if (underWay) expect(world.attempts.some(isOpen)).toBe(true);
    }),
    { numRuns: runs },
  );
});
