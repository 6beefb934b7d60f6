// Whether a charge is tried again, for every status and rule.
import { expect, test } from 'vitest';
import type { Attempt } from '../../../src/charges/attempt.ts';
import { CHARGE_STATUSES, type Charge } from '../../../src/charges/charge.ts';
import { newCharge } from '../../../src/charges/new-charge.ts';
import { newId } from '../../../src/ids.ts';
import { type ExplainFacts, explain } from '../../../src/inspection/explain.ts';
import { BUILT_IN_POLICIES } from '../../../src/retries/policy.ts';

const NOW_MS = Date.UTC(2026, 0, 15, 12);
const DAY_MS = 86_400_000;

const charge = newCharge(
  {
    id: newId('charge', NOW_MS),
    customerId: newId('customer', NOW_MS),
    methodId: newId('method', NOW_MS),
    gateway: 'simulated',
    amountMinor: 1250n,
    currency: 'USD',
    intent: 'sale',
    policy: 'standard',
    description: null,
    metadata: {},
    idempotencyKey: null,
    scheduleId: null,
    period: null,
    timezone: null,
    dueAt: NOW_MS,
  },
  NOW_MS,
);

const method = {
  id: charge.methodId,
  customerId: charge.customerId,
  gateway: 'simulated',
  token: 'tok',
  brand: null,
  last4: null,
  createdAt: NOW_MS,
  removedAt: null,
  blockedAt: null,
  blockedCode: null,
};

const tell = (changes: Partial<Charge>, more: Partial<ExplainFacts> = {}) =>
  explain({
    charge: { ...charge, ...changes },
    attempts: [],
    method,
    policy: BUILT_IN_POLICIES.standard,
    isGatewayConfigured: true,
    pauses: [],
    nowMs: NOW_MS,
    timezone: 'UTC',
    ...more,
  });

const soft = (softDeclines: number, changes: Partial<Charge> = {}): Partial<Charge> => ({
  status: 'failed',
  declineCode: 'insufficient_funds',
  declineClass: 'soft',
  softDeclines,
  attemptCount: softDeclines,
  firstAttemptAt: NOW_MS,
  retryRule: `standard/soft#${softDeclines}`,
  retryAt: NOW_MS + DAY_MS,
  ...changes,
});

test('every status has a rule, a reason and a command', () => {
  for (const status of CHARGE_STATUSES) {
    const told = tell({ status });
    expect(told.rule, status).not.toBe('');
    expect(told.reason, status).toMatch(/\.$/);
    expect(told.next.length, status).toBeGreaterThan(0);
    for (const { command } of told.next) expect(command, status).toMatch(/^bursar /);
    expect(told.willRetry, status).toBe(status === 'pending');
  }
});

test('a soft decline: when, by which rule, and what is left of the policy', () => {
  expect(tell(soft(1))).toMatchObject({
    willRetry: true,
    retryAtMs: NOW_MS + DAY_MS,
    rule: 'standard/soft#1',
    reason: 'insufficient_funds may pass later.',
    fixableBy: null,
    attemptsUsed: 1,
    attemptsLeft: 4,
    maxAgeUntilMs: NOW_MS + 30 * DAY_MS,
  });
  expect(tell(soft(4)).attemptsLeft).toBe(1);
});

test('what is left ends with the age that the policy allows', () => {
  const old = soft(1, { firstAttemptAt: NOW_MS - 27 * DAY_MS });
  expect(tell(old).attemptsLeft).toBe(1);
});

test.each([
  ['none', 'soft', 'policy none never tries again', 'operator'],
  ['none', 'hard', 'policy none never tries again', 'customer'],
  ['hard', 'hard', 'is never tried again', 'customer'],
  ['max_attempts', 'soft', 'soft decline 5, after which standard does not try again', 'operator'],
  ['max_attempts', 'transport', 'could not be reached 3 times in a row', 'operator'],
  ['max_age', 'soft', 'more than 30 days after the first attempt', 'operator'],
  ['operator', 'soft', 'An operator said', 'operator'],
  ['policy_missing', 'soft', 'no policy standard any more', 'operator'],
  ['method_blocked', 'hard', 'never charged again', 'customer'],
  ['method_removed', 'update_method', 'was removed', 'customer'],
] as const)('exhausted by %s (%s)', (retryRule, declineClass, reason, fixableBy) => {
  const declined = { declineCode: 'insufficient_funds', declineClass, softDeclines: 5, transportFailures: 3 };
  const told = tell({ status: 'exhausted', retryRule, ...declined });
  expect(told).toMatchObject({ willRetry: false, retryAtMs: null, rule: retryRule, fixableBy, attemptsLeft: 0 });
  expect(told.reason).toContain(reason);
});

test('an exhausted charge is replayed, or charged anew where its method is blocked', () => {
  const exhausted = { status: 'exhausted', retryRule: 'hard', declineClass: 'hard' } as const;
  expect(tell(exhausted).next[0]?.command).toContain('charges replay');
  const blocked = tell(exhausted, { method: { ...method, blockedAt: 1, blockedCode: 'lost_card' } });
  expect(blocked.next.map(({ command }) => command.split(' --')[0])).toEqual([
    'bursar methods add',
    'bursar charges create',
  ]);
});

test.each(['update_method', 'authentication'] as const)('waiting for the customer: %s', (rule) => {
  const told = tell({ status: 'failed', retryRule: rule, declineClass: rule, declineCode: 'expired_card' });
  expect(told).toMatchObject({ willRetry: false, rule, fixableBy: 'customer', attemptsLeft: 5 });
  expect(told.next[0]?.command).toBe(
    `bursar methods add --customer ${charge.customerId} --replaces ${charge.methodId}`,
  );
});

test.each([
  ['a blocked method', { method: { ...method, blockedAt: 1, blockedCode: 'lost_card' } }, 'method_blocked'],
  ['a removed method', { method: { ...method, removedAt: 1 } }, 'method_removed'],
  ['a policy that is gone', { policy: null }, 'policy_missing'],
  ['a gateway that is gone', { isGatewayConfigured: false }, 'gateway_missing'],
])('a time is no promise with %s', (_, more, rule) => {
  expect(tell(soft(1), more)).toMatchObject({ willRetry: false, retryAtMs: null, rule });
});

test('a pause holds it back, and is told first', () => {
  const pause = { scope: '*', reason: 'drill', actor: 'ada', since: NOW_MS };
  const told = tell(soft(1), { pauses: [pause] });
  expect(told).toMatchObject({ willRetry: true, heldBy: 'every gateway: drill' });
  expect(told.next[0]?.command).toBe('bursar resume --reason WHY');
  expect(tell(soft(1), { pauses: [{ ...pause, scope: 'other' }] }).heldBy).toBeNull();
});

test('an unknown is proved first, and only then decided by an operator', () => {
  const attempt = { id: newId('attempt', NOW_MS), number: 2, operation: 'sale', outcome: 'unknown' } as Attempt;
  const told = tell({ status: 'unknown' }, { attempts: [attempt] });
  expect(told).toMatchObject({ willRetry: false, rule: 'proof_first', fixableBy: 'operator' });
  expect(told.reason).toContain('attempt 2');
  expect(told.next.map(({ command }) => command.split(' ').slice(0, 3).join(' '))).toEqual([
    'bursar billing run',
    'bursar attempts resolve',
  ]);
  expect(tell({ status: 'unknown', retryRule: 'cancel_if_unpaid' }).reason).toContain('cancelled');
});
