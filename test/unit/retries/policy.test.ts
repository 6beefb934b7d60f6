// Which rule decides after which failure, and when the next attempt is, against Temporal as the judge of mornings.
import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { describe, expect, it } from 'vitest';
import { BursarError } from '../../../src/errors.ts';
import { DECLINES, type DeclineClass, type DeclineCode } from '../../../src/gateways/declines.ts';
import { BUILT_IN_POLICIES, type DecisionInput, decide, findPolicy } from '../../../src/retries/policy.ts';

const DAY_MS = 86_400_000;
const at = (text: string): number => Temporal.Instant.from(text).epochMilliseconds;
const NOW = at('2027-01-31T15:00:00Z');

function input(change: Partial<DecisionInput> = {}): DecisionInput {
  return {
    policy: BUILT_IN_POLICIES.standard,
    declineClass: 'soft',
    declineCode: 'insufficient_funds',
    softDeclines: 1,
    transportFailures: 0,
    firstAttemptAtMs: NOW,
    nowMs: NOW,
    retryAfterMs: null,
    timezone: 'Europe/Berlin',
    random: () => 0,
    ...change,
  };
}

function retryAt(change: Partial<DecisionInput>): string {
  const decision = decide(input(change));
  if (decision.kind !== 'retry') throw new Error(`no retry: ${decision.kind} by ${decision.rule}`);
  return Temporal.Instant.fromEpochMilliseconds(decision.retryAtMs).toString();
}

describe('policy none', () => {
  it.each(['soft', 'update_method', 'authentication', 'hard', 'ours', 'transport'] as const)(
    'gives up on %s',
    (declineClass) => {
      const change = { policy: BUILT_IN_POLICIES.none, declineClass, transportFailures: 1, retryAfterMs: 1 };
      expect(decide(input(change))).toMatchObject({ kind: 'exhausted', rule: 'none' });
    },
  );
});

describe('policy standard', () => {
  it.each([
    [1, '2027-02-02T08:00:00Z'],
    [2, '2027-02-04T08:00:00Z'],
    [3, '2027-02-06T08:00:00Z'],
    [4, '2027-02-08T08:00:00Z'],
  ])("soft decline %d is tried again in the customer's morning", (softDeclines, expected) => {
    expect(retryAt({ softDeclines })).toBe(expected);
    expect(decide(input({ softDeclines }))).toMatchObject({ rule: `standard/soft#${softDeclines}` });
  });

  it('gives up after its attempts, whatever delays are left', () => {
    const policy = { ...BUILT_IN_POLICIES.standard, maxAttempts: 2 };
    expect(decide(input({ policy, softDeclines: 1 }))).toMatchObject({ kind: 'retry' });
    expect(decide(input({ policy, softDeclines: 2 }))).toMatchObject({ kind: 'exhausted', rule: 'max_attempts' });
  });

  it('spreads the morning over 59 minutes', () => {
    expect(retryAt({ random: () => 0.999_999 })).toBe('2027-02-02T08:59:00Z');
    expect(retryAt({ random: () => 0.5 })).toBe('2027-02-02T08:30:00Z');
  });

  it("finds the morning on the customer's clock", () => {
    const nowMs = at('2027-01-31T15:30:00Z');
    expect(retryAt({ nowMs, timezone: 'Pacific/Kiritimati' })).toBe('2027-02-01T19:00:00Z');
    expect(retryAt({ nowMs, timezone: 'America/Los_Angeles' })).toBe('2027-02-01T17:00:00Z');
    expect(retryAt({ nowMs, timezone: 'Asia/Kathmandu' })).toBe('2027-02-02T03:15:00Z');
  });

  it('is exhausted by the fifth soft decline', () => {
    expect(decide(input({ softDeclines: 5 }))).toMatchObject({
      kind: 'exhausted',
      rule: 'max_attempts',
      fixableBy: 'operator',
    });
  });

  it('plans nothing beyond its age', () => {
    expect(decide(input({ firstAttemptAtMs: NOW - 28 * DAY_MS }))).toMatchObject({ kind: 'retry' });
    expect(decide(input({ firstAttemptAtMs: NOW - 30 * DAY_MS }))).toMatchObject({
      kind: 'exhausted',
      rule: 'max_age',
    });
  });

  it.each(Object.entries(DECLINES))('%s is %s', (code, declineClass) => {
    const decision = decide(input({ declineClass, declineCode: code as DeclineCode }));
    const expected = {
      soft: { kind: 'retry', rule: 'standard/soft#1' },
      update_method: { kind: 'wait_for_method', rule: 'update_method', fixableBy: 'customer' },
      authentication: { kind: 'wait_for_method', rule: 'authentication', fixableBy: 'customer' },
      hard: { kind: 'exhausted', rule: 'hard', fixableBy: 'customer' },
    }[declineClass];
    expect(decision).toMatchObject(expected);
    expect(decision.reason).toContain(code);
  });

  it('leaves a charge due when our own configuration was refused', () => {
    const change = { declineClass: 'ours', declineCode: null, firstAttemptAtMs: 0 } as const;
    expect(decide(input(change))).toMatchObject({ kind: 'retry', rule: 'ours', retryAtMs: NOW });
  });
});

describe('transport failures', () => {
  const transport = { declineClass: 'transport' as DeclineClass, declineCode: null, softDeclines: 0 };
  const delayMs = (transportFailures: number, change: Partial<DecisionInput> = {}): number => {
    const decision = decide(input({ ...transport, transportFailures, random: () => 0.5, ...change }));
    return decision.kind === 'retry' ? decision.retryAtMs - NOW : Number.NaN;
  };

  it('back off by random(0, min(cap, base * 2^n))', () => {
    expect([1, 2, 3, 8, 9, 100].map((failures) => delayMs(failures))).toEqual([
      1000, 2000, 4000, 128_000, 150_000, 150_000,
    ]);
    expect(delayMs(3, { random: () => 0 })).toBe(0);
    expect(decide(input({ ...transport, transportFailures: 3 }))).toMatchObject({ rule: 'transport-backoff#3' });
  });

  it('obey Retry-After, above the cap too', () => {
    expect(delayMs(1, { retryAfterMs: 900_000 })).toBe(900_000);
    expect(decide(input({ ...transport, transportFailures: 2, retryAfterMs: 5 }))).toMatchObject({
      rule: 'retry-after#2',
    });
  });

  it('end at the maximum', () => {
    expect(decide(input({ ...transport, transportFailures: 199 }))).toMatchObject({ kind: 'retry' });
    expect(decide(input({ ...transport, transportFailures: 200 }))).toMatchObject({
      kind: 'exhausted',
      rule: 'max_attempts',
    });
    const aged = { ...transport, transportFailures: 1, retryAfterMs: 31 * DAY_MS };
    expect(decide(input(aged))).toMatchObject({ kind: 'exhausted', rule: 'max_age' });
  });
});

describe('mornings', () => {
  it.each([
    ['skipped by a DST change', 2, '2027-03-26T12:00:00Z', '2027-03-28T01:30:00Z'],
    ['repeated by a DST change', 2, '2027-10-29T12:00:00Z', '2027-10-31T00:30:00Z'],
  ])('%s', (_, hourOfDay, now, expected) => {
    const policy = { ...BUILT_IN_POLICIES.standard, hourOfDay };
    const nowMs = at(now);
    expect(retryAt({ policy, nowMs, firstAttemptAtMs: nowMs, random: () => 0.5 })).toBe(expected);
  });

  it.each([
    ['36 hours', '2027-01-31T15:00:00Z', '2027-02-02T09:00:00Z'],
    ['36 hours', '2027-01-31T20:59:00Z', '2027-02-02T09:00:00Z'],
    ['36 hours', '2027-01-31T21:01:00Z', '2027-02-03T09:00:00Z'],
    ['1 day', '2027-01-31T23:50:00Z', '2027-02-02T09:00:00Z'],
    ['1 day', '2027-01-31T09:00:00Z', '2027-02-01T09:00:00Z'],
    ['1 day', '2027-01-31T09:00:00.001Z', '2027-02-02T09:00:00Z'],
  ])('%s from %s are not over before', (delay, now, expected) => {
    const policy = findPolicy('mine', { mine: { soft: [delay] } });
    const nowMs = at(now);
    expect(retryAt({ policy, nowMs, firstAttemptAtMs: nowMs, timezone: 'UTC' })).toBe(expected);
  });

  it('agree with Temporal everywhere', () => {
    const zones = fc.constantFrom(
      'UTC',
      'Europe/Berlin',
      'America/New_York',
      'America/St_Johns',
      'Australia/Lord_Howe',
      'Asia/Kathmandu',
      'Africa/Casablanca',
      'Pacific/Apia',
      'America/Santiago',
      'Asia/Tehran',
      'Antarctica/Troll',
    );
    fc.assert(
      fc.property(
        zones,
        fc.integer({ min: at('2011-01-01T00:00:00Z'), max: at('2040-01-01T00:00:00Z') }),
        fc.integer({ min: DAY_MS, max: 400 * DAY_MS }),
        fc.integer({ min: 0, max: 23 }),
        fc.integer({ min: 0, max: 59 }),
        fc.integer({ min: 0, max: 2 * DAY_MS }),
        (timezone, firstMs, delayMs, hourOfDay, minute, laterMs) => {
          const policy = {
            ...BUILT_IN_POLICIES.standard,
            softDelaysMs: [delayMs],
            maxAgeMs: 500 * DAY_MS,
            hourOfDay,
          };
          // Whatever was asked before, a little earlier or later.
          for (const nowMs of [firstMs, firstMs + laterMs, firstMs + Math.floor(laterMs / 2)]) {
            const decision = decide(
              input({ policy, timezone, nowMs, firstAttemptAtMs: nowMs, random: () => (minute + 0.5) / 60 }),
            );
            const earliestMs = nowMs + delayMs;
            const date = Temporal.Instant.fromEpochMilliseconds(earliestMs).toZonedDateTimeISO(timezone).toPlainDate();
            const mornings = [-1, 0, 1, 2].map(
              (days) =>
                date
                  .add({ days })
                  .toZonedDateTime({ timeZone: timezone, plainTime: new Temporal.PlainTime(hourOfDay, minute) })
                  .epochMilliseconds,
            );
            expect(decision).toMatchObject({ kind: 'retry', retryAtMs: mornings.find((ms) => ms >= earliestMs) });
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('findPolicy', () => {
  it('gives built-in and configured ones', () => {
    expect(findPolicy('none')).toBe(BUILT_IN_POLICIES.none);
    expect(findPolicy('standard')).toBe(BUILT_IN_POLICIES.standard);
    const soft = ['90 minutes', '1 day', '2 weeks'];
    expect(findPolicy('slow', { slow: { soft, maxAgeDays: 60, transport: { capMs: 1000 } } })).toEqual({
      name: 'slow',
      softDelaysMs: [5_400_000, DAY_MS, 14 * DAY_MS],
      maxAttempts: 4,
      maxAgeMs: 60 * DAY_MS,
      hourOfDay: 9,
      transport: { baseMs: 2000, capMs: 1000, maxAttempts: 200 },
    });
  });

  it('takes delays under a day as they are', () => {
    const policy = findPolicy('quick', { quick: { soft: ['90 minutes'] } });
    expect(retryAt({ policy })).toBe('2027-01-31T16:30:00Z');
  });

  it.each(['other', 'constructor'])('refuses %s', (name) => {
    expect(() => findPolicy(name, { mine: { soft: [] } })).toThrow(BursarError);
  });
});
