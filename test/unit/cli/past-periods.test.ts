// What is told of a schedule that begins in the past: exactly what a run would do with it.
import { expect, test } from 'vitest';
import { pastPeriods } from '../../../src/cli/past-periods.ts';
import { occurrence, type Recurrence } from '../../../src/schedules/recurrence.ts';
import type { Schedule } from '../../../src/schedules/schedule.ts';

const NOW = Date.UTC(2026, 3, 30, 12);

function starting(start: string, changes: Partial<Recurrence> = {}): Schedule {
  const recurrence: Recurrence = {
    every: { count: 1, unit: 'month' },
    on: null,
    time: '09:00',
    start,
    at: null,
    timezone: 'UTC',
    ...changes,
  };
  return {
    id: 'sch_1',
    customerId: 'cus_1',
    methodId: 'pm_1',
    amountMinor: 2000n,
    currency: 'USD',
    recurrence,
    policy: 'standard',
    status: 'active',
    description: null,
    metadata: {},
    idempotencyKey: null,
    requestHash: null,
    paidThrough: null,
    next: occurrence(recurrence, 0),
    version: 1,
    createdAt: NOW,
    updatedAt: NOW,
  };
}

test.each<[string, Schedule, ReturnType<typeof pastPeriods>]>([
  ['tomorrow', starting('2026-05-01'), null],
  ['later today', starting('2026-04-30', { time: '18:00' }), null],
  [
    'earlier today',
    starting('2026-04-30'),
    {
      notice: 'A billing run now would charge what is due already (2026-04-30): 1 period, 20.00 USD in all.',
      isBeforeToday: false,
      skipped: 0,
    },
  ],
  [
    'within the catch-up window',
    starting('2026-03-30'),
    {
      notice:
        'A billing run now would charge what is due already (2026-03-30 to 2026-04-30): 2 periods, 40.00 USD in all.',
      isBeforeToday: true,
      skipped: 0,
    },
  ],
  [
    'before the window',
    starting('2025-12-15'),
    {
      notice:
        'A billing run now would charge what is due already (2026-04-15): 1 period, 20.00 USD in all, and skip 4 periods older than the catch-up window of 35 days.',
      isBeforeToday: true,
      skipped: 4,
    },
  ],
  [
    'one charge, before the window',
    starting('2020-02-01', { every: null, at: '2020-02-01T09:00' }),
    {
      notice: 'A billing run now would skip 1 period older than the catch-up window of 35 days.',
      isBeforeToday: true,
      skipped: 1,
    },
  ],
])('%s', (_, schedule, told) => {
  expect(pastPeriods(schedule, NOW)).toEqual(told);
});

test('today is told by the clock of the zone', () => {
  // It is May already on Kiritimati, so what began there on the 30th began yesterday.
  const schedule = starting('2026-04-30', { timezone: 'Pacific/Kiritimati' });
  expect(pastPeriods(schedule, NOW)?.isBeforeToday).toBe(true);
});
