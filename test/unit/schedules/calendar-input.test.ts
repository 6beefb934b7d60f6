// What is taken and what is refused of times as users type them.
import { afterEach, describe, expect, it } from 'vitest';
import { BursarError } from '../../../src/errors.ts';
import {
  formatEvery,
  parseEvery,
  parseInstant,
  parseLocalDate,
  parseLocalDateTime,
  parseOn,
  parseTimeOfDay,
  parseTimezone,
  systemTimezone,
} from '../../../src/schedules/calendar-input.ts';
import type { IntervalUnit } from '../../../src/schedules/recurrence.ts';

/** The refusal, as `code: message`. */
function refusal(action: () => unknown): string {
  try {
    return `no refusal: ${String(action())}`;
  } catch (error) {
    if (!(error instanceof BursarError)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

describe('an interval', () => {
  it.each([
    ['1 month', '1 month'],
    ['month', '1 month'],
    ['months', '1 month'],
    ['2 weeks', '2 weeks'],
    ['3 days', '3 days'],
    ['3days', '3 days'],
    [' 1000  Years ', '1000 years'],
    ['01 day', '1 day'],
  ])('%s', (text, formatted) => {
    expect(formatEvery(parseEvery(text))).toBe(formatted);
    expect(parseEvery(formatted)).toEqual(parseEvery(text));
  });

  it.each(['', '1', '1 fortnight', '-1 month', '1.5 months', '1 month 2 days', 'monthss', '1e2 days', 'constructor'])(
    'refuses "%s"',
    (text) => {
      expect(refusal(() => parseEvery(text))).toBe(`invalid_value: "${text}" is not an interval.`);
    },
  );

  it('refuses a count out of range', () => {
    expect(refusal(() => parseEvery('0 days'))).toBe('invalid_value: An interval is 1 to 1000 days, not 0.');
    expect(refusal(() => parseEvery('1001 weeks'))).toBe('invalid_value: An interval is 1 to 1000 weeks, not 1001.');
  });
});

describe('an anchor', () => {
  it.each<[string, IntervalUnit, string]>([
    ['31', 'month', '31'],
    ['01', 'month', '1'],
    ['31', 'year', '31'],
    ['02-29', 'year', '02-29'],
    ['Mon', 'week', 'mon'],
    ['sunday', 'week', 'sun'],
  ])('%s of a %s', (text, unit, value) => {
    expect(parseOn(text, unit)).toBe(value);
  });

  it.each<[string, IntervalUnit]>([
    ['0', 'month'],
    ['32', 'month'],
    ['03-31', 'month'],
    ['mon', 'month'],
    ['02-30', 'year'],
    ['13-01', 'year'],
    ['3-1', 'year'],
    ['1', 'week'],
    ['mo', 'week'],
    ['', 'week'],
  ])('refuses "%s" of a %s', (text, unit) => {
    expect(refusal(() => parseOn(text, unit))).toBe(`invalid_value: "${text}" is not a day of the ${unit}.`);
  });

  it('refuses any for days', () => {
    expect(refusal(() => parseOn('1', 'day'))).toBe(
      'invalid_value: An interval of days takes no day to fall on, and "1" was given.',
    );
  });
});

describe('dates and times', () => {
  it('takes a time of day from 00:00 to 23:59', () => {
    expect([parseTimeOfDay('00:00'), parseTimeOfDay(' 23:59')]).toEqual(['00:00', '23:59']);
  });

  it.each(['24:00', '9:00', '09:60', '9am', '09:00:00', ''])('refuses the time "%s"', (text) => {
    expect(refusal(() => parseTimeOfDay(text))).toBe(`invalid_time: "${text}" is not a time of day.`);
  });

  it('takes a date that the calendar has', () => {
    expect([parseLocalDate('2028-02-29'), parseLocalDate('9999-12-31')]).toEqual(['2028-02-29', '9999-12-31']);
    expect(refusal(() => parseLocalDate('2027-02-30'))).toBe('invalid_time: The calendar has no 2027-02-30.');
    expect(refusal(() => parseLocalDate('2100-02-29'))).toBe('invalid_time: The calendar has no 2100-02-29.');
    expect(refusal(() => parseLocalDate('0027-02-01'))).toBe('invalid_time: 0027-02-01 is before 1970.');
    for (const text of ['27-02-01', '2027-2-1', '01/02/2027', 'tomorrow', '20270201', '2027-02-01T09:00']) {
      expect(refusal(() => parseLocalDate(text))).toBe(`invalid_time: "${text}" is not a date.`);
    }
  });

  it('takes a local date and time', () => {
    expect(parseLocalDateTime('2027-02-01T09:00')).toBe('2027-02-01T09:00');
    expect(parseLocalDateTime('2027-02-01 09:00')).toBe('2027-02-01T09:00');
    expect(refusal(() => parseLocalDateTime('2027-02-29T09:00'))).toBe('invalid_time: The calendar has no 2027-02-29.');
    expect(refusal(() => parseLocalDateTime('2027-02-01T24:00'))).toMatch(/^invalid_time: "24:00"/);
    for (const text of ['2027-02-01', '2027-02-01T09:00Z', '2027-02-01T09:00+01:00', 'noon']) {
      expect(refusal(() => parseLocalDateTime(text))).toMatch(/is not a local date and time\.$/);
    }
  });
});

describe('an instant', () => {
  it.each([
    ['2027-02-01T09:00:00Z', 'Asia/Tokyo', '2027-02-01T09:00:00.000Z'],
    ['2027-02-01t09:00z', 'Asia/Tokyo', '2027-02-01T09:00:00.000Z'],
    ['2027-02-01T09:00:01.2345+01:30', 'Asia/Tokyo', '2027-02-01T07:30:01.234Z'],
    ['2027-02-01T09:00', 'Asia/Tokyo', '2027-02-01T00:00:00.000Z'],
    ['2027-02-01 09:00:30', 'Asia/Tokyo', '2027-02-01T00:00:30.000Z'],
    ['2027-02-01', 'Asia/Tokyo', '2027-01-31T15:00:00.000Z'],
    ['2027-02-01', 'UTC', '2027-02-01T00:00:00.000Z'],
    ['1970-01-01', 'Asia/Tokyo', '1969-12-31T15:00:00.000Z'],
    // A day that begins at 01:00, a skipped hour, a repeated one.
    ['2018-11-04', 'America/Sao_Paulo', '2018-11-04T03:00:00.000Z'],
    ['2027-03-14T02:30', 'America/New_York', '2027-03-14T07:00:00.000Z'],
    ['2027-11-07T01:30', 'America/New_York', '2027-11-07T05:30:00.000Z'],
  ])('%s in %s', (text, timezone, iso) => {
    expect(new Date(parseInstant(text, timezone)).toISOString()).toBe(iso);
  });

  it.each([
    '',
    'now',
    '2027',
    '2027-02-30',
    '2027-02-30T09:00Z',
    '2027-02-01T24:00Z',
    '2027-02-01T25:00',
    '2027-02-01T09:00+25:00',
    '2027-02-01Z',
    '1800000000000',
  ])('refuses "%s"', (text) => {
    expect(refusal(() => parseInstant(text, 'UTC'))).toMatch(/^invalid_time: /);
  });
});

describe('a time zone', () => {
  const timezoneBefore = process.env.TZ;
  afterEach(() => {
    if (timezoneBefore === undefined) delete process.env.TZ;
    else process.env.TZ = timezoneBefore;
  });

  it.each([
    ['europe/paris', 'Europe/Paris'],
    ['AMERICA/PORT-AU-PRINCE', 'America/Port-au-Prince'],
    ['america/argentina/buenos_aires', 'America/Argentina/Buenos_Aires'],
    ['asia/kolkata', 'Asia/Kolkata'],
    ['Asia/Calcutta', 'Asia/Calcutta'],
    ['utc', 'UTC'],
    ['etc/gmt+5', 'Etc/GMT+5'],
  ])('%s is %s', (text, name) => {
    expect(parseTimezone(text)).toBe(name);
  });

  it('takes every name in any case', () => {
    for (const zone of Intl.supportedValuesOf('timeZone')) expect(parseTimezone(zone.toLowerCase())).toBe(zone);
  });

  it.each([
    ['Europe/Pari', 'Did you mean Europe/Paris?'],
    ['new york', 'Did you mean America/New_York?'],
    ['America/NewYork', 'Did you mean America/New_York?'],
    ['Mars/Phobos', 'Write a name such as Europe/Paris or UTC.'],
    ['+05:00', 'Write a name such as Europe/Paris or UTC.'],
  ])('refuses %s with a hint', (text, hint) => {
    expect(() => parseTimezone(text)).toThrow(
      expect.objectContaining({
        code: 'invalid_timezone',
        message: `"${text}" is not a time zone of the IANA database.`,
        hint,
      }),
    );
  });

  it.each(['', 'UTC+1', 'PST', '-03', 'Europe'])('refuses "%s"', (text) => {
    expect(refusal(() => parseTimezone(text))).toMatch(/^invalid_timezone: /);
  });

  it('reads the system', () => {
    process.env.TZ = 'Australia/Lord_Howe';
    expect(systemTimezone()).toBe('Australia/Lord_Howe');
    process.env.TZ = 'Mars/Phobos';
    expect(systemTimezone()).toBe('UTC');
  });
});
