// Occurrences by example: month ends, leap days, anchors, and the last of a series.
import { describe, expect, it } from 'vitest';
import {
  firstOccurrenceAfterPeriod,
  indexOfFirstDueAfter,
  occurrence,
  occurrencesFrom,
  type Recurrence,
} from '../../../src/schedules/recurrence.ts';

const monthly: Recurrence = {
  every: { count: 1, unit: 'month' },
  on: null,
  time: '09:00',
  start: '2027-01-31',
  at: null,
  timezone: 'UTC',
};

function periods(changes: Partial<Recurrence>, count: number): string[] {
  const found: string[] = [];
  for (const { period } of occurrencesFrom({ ...monthly, ...changes }, 0)) {
    found.push(period);
    if (found.length === count) break;
  }
  return found;
}

describe('periods', () => {
  it('clamps to the end of a month and comes back', () => {
    expect(periods({}, 5)).toEqual(['2027-01-31', '2027-02-28', '2027-03-31', '2027-04-30', '2027-05-31']);
    expect(periods({ start: '2028-01-30' }, 3)).toEqual(['2028-01-30', '2028-02-29', '2028-03-30']);
  });

  it('begins on the first matching day on or after the start', () => {
    expect(periods({ start: '2027-02-10', on: '31' }, 3)).toEqual(['2027-02-28', '2027-03-31', '2027-04-30']);
    expect(periods({ start: '2027-02-28', on: '31' }, 2)).toEqual(['2027-02-28', '2027-03-31']);
    expect(periods({ start: '2027-01-31', on: '30' }, 3)).toEqual(['2027-02-28', '2027-03-30', '2027-04-30']);
    expect(periods({ start: '2027-12-20', on: '15' }, 2)).toEqual(['2028-01-15', '2028-02-15']);
    expect(periods({ start: '2027-12-15', on: '15' }, 1)).toEqual(['2027-12-15']);
  });

  it('counts several months from the first period', () => {
    const every = { count: 3, unit: 'month' } as const;
    expect(periods({ every, start: '2027-08-31' }, 4)).toEqual([
      '2027-08-31',
      '2027-11-30',
      '2028-02-29',
      '2028-05-31',
    ]);
    expect(periods({ every, start: '2027-01-20', on: '15' }, 2)).toEqual(['2027-02-15', '2027-05-15']);
  });

  it('keeps a leap day', () => {
    const every = { count: 1, unit: 'year' } as const;
    const fromLeapDay = ['2028-02-29', '2029-02-28', '2030-02-28', '2031-02-28', '2032-02-29'];
    expect(periods({ every, start: '2028-02-29' }, 5)).toEqual(fromLeapDay);
    expect(periods({ every, start: '2028-01-01', on: '02-29' }, 5)).toEqual(fromLeapDay);
    expect(periods({ every, start: '2096-02-29' }, 6).slice(3)).toEqual(['2099-02-28', '2100-02-28', '2101-02-28']);
    expect(periods({ every: { count: 4, unit: 'year' }, start: '2028-02-29' }, 2)).toEqual([
      '2028-02-29',
      '2032-02-29',
    ]);
  });

  it('takes the day of a year with or without its month', () => {
    const every = { count: 1, unit: 'year' } as const;
    expect(periods({ every, start: '2027-04-01', on: '03-31' }, 2)).toEqual(['2028-03-31', '2029-03-31']);
    expect(periods({ every, start: '2027-02-10', on: '31' }, 2)).toEqual(['2027-02-28', '2028-02-29']);
    expect(periods({ every, start: '2027-03-20', on: '15' }, 2)).toEqual(['2028-03-15', '2029-03-15']);
    expect(periods({ every, start: '2027-12-31', on: '12-31' }, 2)).toEqual(['2027-12-31', '2028-12-31']);
  });

  it('falls on a day of the week, over the end of a year', () => {
    const every = { count: 2, unit: 'week' } as const;
    expect(periods({ every, start: '2027-12-28', on: 'fri' }, 3)).toEqual(['2027-12-31', '2028-01-14', '2028-01-28']);
    expect(periods({ every, start: '2027-12-31', on: 'fri' }, 1)).toEqual(['2027-12-31']);
    expect(periods({ every, start: '2027-12-31', on: 'thu' }, 1)).toEqual(['2028-01-06']);
    expect(periods({ every, start: '2027-12-31' }, 2)).toEqual(['2027-12-31', '2028-01-14']);
  });

  it('counts days', () => {
    const every = { count: 3, unit: 'day' } as const;
    expect(periods({ every, start: '2028-02-27' }, 3)).toEqual(['2028-02-27', '2028-03-01', '2028-03-04']);
  });

  it('ends with the year 9999', () => {
    const every = { count: 1000, unit: 'year' } as const;
    expect(periods({ every, start: '2027-01-31' }, 99)).toHaveLength(8);
    const yearly = { ...monthly, every };
    expect(occurrence(yearly, 8)).toBeNull();
    expect(occurrence(yearly, Number.MAX_SAFE_INTEGER)).toBeNull();
    expect(indexOfFirstDueAfter(yearly, Number.MAX_SAFE_INTEGER)).toBe(8);
    expect(firstOccurrenceAfterPeriod(yearly, '9999-12-31')).toBeNull();
    const daily: Recurrence = { ...monthly, every: { count: 1, unit: 'day' }, start: '9999-12-30', time: '00:00' };
    expect(indexOfFirstDueAfter(daily, Number.MAX_SAFE_INTEGER)).toBe(2);
  });
});

describe('one delayed charge', () => {
  const once: Recurrence = { ...monthly, every: null, at: '2027-02-01T09:30', timezone: 'Asia/Tokyo' };
  const dueAtMs = Date.UTC(2027, 1, 1, 0, 30);

  it('has one occurrence', () => {
    expect(occurrence(once, 0)).toEqual({ index: 0, period: '2027-02-01', dueAtMs });
    expect(occurrence(once, 1)).toBeNull();
    expect([...occurrencesFrom(once, 0)]).toHaveLength(1);
  });

  it('is found before it is due and not after', () => {
    expect(indexOfFirstDueAfter(once, dueAtMs - 1)).toBe(0);
    expect(indexOfFirstDueAfter(once, dueAtMs)).toBe(1);
    expect(firstOccurrenceAfterPeriod(once, null)?.index).toBe(0);
    expect(firstOccurrenceAfterPeriod(once, '2027-01-31')?.index).toBe(0);
    expect(firstOccurrenceAfterPeriod(once, '2027-02-01')).toBeNull();
  });
});

describe('finding an occurrence', () => {
  it('is strict about the instant', () => {
    expect(indexOfFirstDueAfter(monthly, 0)).toBe(0);
    expect(indexOfFirstDueAfter(monthly, Date.UTC(2027, 1, 28, 9) - 1)).toBe(1);
    expect(indexOfFirstDueAfter(monthly, Date.UTC(2027, 1, 28, 9))).toBe(2);
  });

  it('goes on from a period, or from any date', () => {
    expect(firstOccurrenceAfterPeriod(monthly, null)?.period).toBe('2027-01-31');
    expect(firstOccurrenceAfterPeriod(monthly, '2027-02-28')?.period).toBe('2027-03-31');
    expect(firstOccurrenceAfterPeriod(monthly, '2027-03-01')?.period).toBe('2027-03-31');
    expect(firstOccurrenceAfterPeriod(monthly, '2001-01-01')?.period).toBe('2027-01-31');
  });
});

it('fails on what no parsed recurrence is', () => {
  expect(() => occurrence({ ...monthly, at: '2027-02-01T09:00' }, 0)).toThrow(/assertion failed/);
  expect(() => occurrence({ ...monthly, every: null }, 0)).toThrow(/assertion failed/);
  expect(() => occurrence({ ...monthly, on: 'mon' }, 0)).toThrow(/assertion failed/);
  expect(() => occurrence({ ...monthly, every: { count: 1, unit: 'day' }, on: '1' }, 0)).toThrow(/assertion failed/);
  expect(() => occurrence(monthly, -1)).toThrow(/assertion failed/);
  expect(() => occurrence(monthly, 0.5)).toThrow(/assertion failed/);
});
