// Due times where a zone's clock skips or repeats an hour, half an hour, or a whole day.
import { describe, expect, it } from 'vitest';
import { occurrencesFrom, type Recurrence } from '../../../src/schedules/recurrence.ts';

/** `period=due time in UTC` of the first `count` occurrences. */
function dues(recurrence: Omit<Recurrence, 'at' | 'on'>, count: number): string[] {
  const found: string[] = [];
  for (const { period, dueAtMs } of occurrencesFrom({ ...recurrence, at: null, on: null }, 0)) {
    found.push(`${period}=${new Date(dueAtMs).toISOString().slice(0, 16)}`);
    if (found.length === count) break;
  }
  return found;
}

const daily = { count: 1, unit: 'day' } as const;

describe('a skipped time becomes the first instant after the gap', () => {
  it.each([
    ['America/New_York', '02:30', '2027-03-13', '2027-03-13T07:30', '2027-03-14T07:00', '2027-03-15T06:30'],
    ['America/New_York', '02:00', '2027-03-13', '2027-03-13T07:00', '2027-03-14T07:00', '2027-03-15T06:00'],
    ['America/New_York', '03:00', '2027-03-13', '2027-03-13T08:00', '2027-03-14T07:00', '2027-03-15T07:00'],
    ['Europe/London', '01:59', '2027-03-27', '2027-03-27T01:59', '2027-03-28T01:00', '2027-03-29T00:59'],
    ['Australia/Lord_Howe', '02:15', '2027-10-02', '2027-10-01T15:45', '2027-10-02T15:30', '2027-10-03T15:15'],
    ['America/Sao_Paulo', '00:00', '2018-11-03', '2018-11-03T03:00', '2018-11-04T03:00', '2018-11-05T02:00'],
    // The gap is the last hour of the day: the due time is on the next one, under the name of its own.
    ['America/Nuuk', '23:30', '2025-03-28', '2025-03-29T01:30', '2025-03-30T01:00', '2025-03-31T00:30'],
  ])('%s %s', (timezone, time, start, before, on, after) => {
    const found = dues({ every: daily, time, start, timezone }, 3);
    expect(found.map((due) => due.slice(11))).toEqual([before, on, after]);
    expect(new Set(found.map((due) => due.slice(0, 10))).size).toBe(3);
    expect(found[0]).toContain(`${start}=`);
  });
});

describe('a repeated time is taken once, the earlier', () => {
  it.each([
    ['America/New_York', '01:30', '2027-11-06', '2027-11-06T05:30', '2027-11-07T05:30', '2027-11-08T06:30'],
    ['America/New_York', '02:00', '2027-11-06', '2027-11-06T06:00', '2027-11-07T07:00', '2027-11-08T07:00'],
    ['Europe/London', '01:00', '2027-10-30', '2027-10-30T00:00', '2027-10-31T00:00', '2027-11-01T01:00'],
    ['Australia/Lord_Howe', '01:45', '2027-04-03', '2027-04-02T14:45', '2027-04-03T14:45', '2027-04-04T15:15'],
  ])('%s %s', (timezone, time, start, before, on, after) => {
    expect(dues({ every: daily, time, start, timezone }, 3).map((due) => due.slice(11))).toEqual([before, on, after]);
  });
});

describe('Pacific/Apia had no 2011-12-30', () => {
  const apia = { time: '09:00', timezone: 'Pacific/Apia' };

  it('has no daily period then, not even at midnight', () => {
    expect(dues({ ...apia, every: daily, start: '2011-12-29' }, 3)).toEqual([
      '2011-12-29=2011-12-29T19:00',
      '2011-12-31=2011-12-30T19:00',
      '2012-01-01=2011-12-31T19:00',
    ]);
    expect(dues({ ...apia, time: '00:00', every: daily, start: '2011-12-29' }, 2)).toEqual([
      '2011-12-29=2011-12-29T10:00',
      '2011-12-31=2011-12-30T10:00',
    ]);
    expect(dues({ ...apia, every: daily, start: '2011-12-30' }, 1)).toEqual(['2011-12-31=2011-12-30T19:00']);
  });

  it('counts the days that there were', () => {
    const every = { count: 2, unit: 'day' } as const;
    const periods = (start: string) => dues({ ...apia, every, start }, 3).map((due) => due.slice(0, 10));
    expect(periods('2011-12-28')).toEqual(['2011-12-28', '2011-12-31', '2012-01-02']);
    expect(periods('2011-12-29')).toEqual(['2011-12-29', '2012-01-01', '2012-01-03']);
  });

  it('bills a month, a week and a year that falls on it when the next day begins', () => {
    expect(dues({ ...apia, every: { count: 1, unit: 'month' }, start: '2011-11-30' }, 3)).toEqual([
      '2011-11-30=2011-11-30T19:00',
      '2011-12-30=2011-12-30T10:00',
      '2012-01-30=2012-01-29T19:00',
    ]);
    expect(dues({ ...apia, every: { count: 1, unit: 'week' }, start: '2011-12-23' }, 2)[1]).toBe(
      '2011-12-30=2011-12-30T10:00',
    );
    expect(dues({ ...apia, every: { count: 1, unit: 'year' }, start: '2010-12-30' }, 2)[1]).toBe(
      '2011-12-30=2011-12-30T10:00',
    );
  });
});

it('moves one delayed charge out of a gap', () => {
  const once: Recurrence = {
    every: null,
    on: null,
    time: '09:00',
    start: '2027-03-14',
    at: '2027-03-14T02:30',
    timezone: 'America/New_York',
  };
  expect([...occurrencesFrom(once, 0)]).toEqual([
    { index: 0, period: '2027-03-14', dueAtMs: Date.UTC(2027, 2, 14, 7) },
  ]);
});
