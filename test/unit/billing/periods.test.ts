import { describe, expect, it } from 'vitest';
import { countDuePeriods, type DuePeriods, duePeriods, parseCatchUp } from '../../../src/billing/periods.ts';
import { occurrence, type Recurrence } from '../../../src/schedules/recurrence.ts';
import type { Schedule } from '../../../src/schedules/schedule.ts';

const daily: Recurrence = {
  every: { count: 1, unit: 'day' },
  on: null,
  time: '09:00',
  start: '2027-01-01',
  at: null,
  timezone: 'UTC',
};

function scheduleOf(recurrence: Recurrence, index = 0): Schedule {
  return {
    id: 'sch_1',
    customerId: 'cus_1',
    methodId: 'pm_1',
    amountMinor: 100n,
    currency: 'USD',
    recurrence,
    policy: 'standard',
    status: 'active',
    description: null,
    metadata: {},
    idempotencyKey: null,
    requestHash: null,
    paidThrough: null,
    next: occurrence(recurrence, index),
    version: 1,
    createdAt: 0,
    updatedAt: 0,
  };
}

const periodsOf = (mode: string, asOf: string, schedule = scheduleOf(daily)) => {
  const { bill, skip, next } = duePeriods(schedule, Date.parse(asOf), parseCatchUp(mode));
  return {
    bill: bill.map(({ period }) => period),
    skip: skip.map(({ occurrence: { period }, reason }) => `${period} ${reason}`),
    next: next?.period,
  };
};

describe('due periods', () => {
  it('bills nothing before the due instant, and exactly at it', () => {
    expect(periodsOf('all', '2027-01-01T08:59:59.999Z')).toEqual({ bill: [], skip: [], next: '2027-01-01' });
    expect(periodsOf('all', '2027-01-01T09:00:00.000Z')).toEqual({
      bill: ['2027-01-01'],
      skip: [],
      next: '2027-01-02',
    });
  });

  it('all: bills each missed period', () => {
    expect(periodsOf('all', '2027-01-03T10:00:00Z').bill).toEqual(['2027-01-01', '2027-01-02', '2027-01-03']);
  });

  it('latest: bills the newest and names what it passes over', () => {
    expect(periodsOf('latest', '2027-01-03T10:00:00Z')).toEqual({
      bill: ['2027-01-03'],
      skip: ['2027-01-01 catch-up latest', '2027-01-02 catch-up latest'],
      next: '2027-01-04',
    });
  });

  it('max=N: bills the newest N', () => {
    expect(periodsOf('max=2', '2027-01-03T10:00:00Z').bill).toEqual(['2027-01-02', '2027-01-03']);
  });

  it('skip: bills what fell due within a day, so that a late cron does its own work', () => {
    expect(periodsOf('skip', '2027-01-03T09:15:00Z').bill).toEqual(['2027-01-03']);
    expect(periodsOf('skip', '2027-01-03T09:15:00Z').skip).toHaveLength(2);
    expect(periodsOf('skip', '2027-01-04T09:00:00Z').bill).toEqual(['2027-01-03', '2027-01-04']);
  });

  it('passes over what is older than the window of 35 days, in every mode', () => {
    for (const mode of ['all', 'latest', 'skip', 'max=9999']) {
      const { bill, skip } = periodsOf(mode, '2027-03-01T09:00:00Z');
      expect(bill.every((period) => period >= '2027-01-25')).toBe(true);
      expect(skip).toContain('2027-01-24 outside the catch-up window of 35 days');
    }
    expect(periodsOf('all', '2027-03-01T09:00:00Z').bill[0]).toBe('2027-01-25');
  });

  it('comes to the same in steps, with nothing judged by the step it is in', () => {
    const asOfMs = Date.parse('2027-03-01T09:00:00Z');
    for (const mode of ['all', 'latest', 'skip', 'max=3', 'max=40']) {
      const catchUp = parseCatchUp(mode);
      const whole = duePeriods(scheduleOf(daily), asOfMs, catchUp);
      for (const limit of [1, 7, 59, 60, 61]) {
        let schedule = scheduleOf(daily);
        const bill: DuePeriods['bill'] = [];
        const skip: DuePeriods['skip'] = [];
        while (schedule.next !== null && schedule.next.dueAtMs <= asOfMs) {
          const step = duePeriods(schedule, asOfMs, catchUp, limit);
          expect(step.bill.length + step.skip.length).toBeLessThanOrEqual(limit);
          bill.push(...step.bill);
          skip.push(...step.skip);
          schedule = { ...schedule, next: step.next };
        }
        expect({ bill, skip, next: schedule.next }, `${mode} by ${limit}`).toEqual(whole);
      }
    }
  });

  it('counts what it would bill and skip', () => {
    for (const mode of ['all', 'latest', 'skip', 'max=3', 'max=40'])
      for (const asOf of ['2026-12-01', '2027-01-01', '2027-02-04', '2027-02-05', '2027-02-06', '2028-01-01'])
        for (const time of ['08:59:59.999', '09:00', '09:00:00.001']) {
          const args = [scheduleOf(daily, 1), Date.parse(`${asOf}T${time}Z`), parseCatchUp(mode)] as const;
          const { bill, skip } = duePeriods(...args);
          expect(countDuePeriods(...args), `${mode} ${asOf}T${time}`).toEqual({ bill: bill.length, skip: skip.length });
        }
    const once = scheduleOf({ ...daily, every: null, at: '2027-02-01T09:00' });
    expect(countDuePeriods(once, Date.parse('2028-01-01'), { mode: 'all' })).toEqual({ bill: 0, skip: 1 });
  });

  it('ends a delayed charge after its only period', () => {
    const once = scheduleOf({ ...daily, every: null, at: '2027-02-01T09:00' });
    expect(periodsOf('all', '2027-02-01T09:00:00Z', once)).toEqual({ bill: ['2027-02-01'], skip: [], next: undefined });
  });

  it('refuses modes that do not exist', () => {
    for (const text of ['some', 'max=0', 'max=-1', 'max=1.5', 'max=', 'ALL', '']) {
      expect(() => parseCatchUp(text)).toThrow(expect.objectContaining({ code: 'invalid_value' }));
    }
  });
});
