// When a schedule falls due: pure calendar arithmetic, no clock and no SQL. Each occurrence is computed from the anchor,
// never from the one before, so that Jan 31 gives Feb 28 and then Mar 31.
import { Temporal } from 'temporal-polyfill';
import { assert } from '../errors.ts';
import { dateExists, localToEpochMs, skippedDate } from './local-time.ts';

export const INTERVAL_UNITS = ['day', 'week', 'month', 'year'] as const;
export type IntervalUnit = (typeof INTERVAL_UNITS)[number];

export interface Interval {
  count: number;
  unit: IntervalUnit;
}

/** Days of the week as `on` names them, in ISO order. */
export const WEEKDAYS: readonly string[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/** Its text fields are in the form that calendar-input.ts returns. Exactly one of `every` and `at` is set. */
export interface Recurrence {
  every: Interval | null;
  /**
   * The anchor, where it is not the start date itself. Month: day 1-31, clamped to the month's end. Year: `MM-DD`, or a
   * day 1-31 in the start's month. Week: `mon`-`sun`. Day: always null.
   */
  on: string | null;
  /** `HH:MM`, in `timezone`. */
  time: string;
  /** `YYYY-MM-DD`: the first period is the first matching day on or after it. */
  start: string;
  /** `YYYY-MM-DDTHH:MM` in `timezone`: one delayed charge, to which `on`, `time` and `start` say nothing. */
  at: string | null;
  /** IANA name. */
  timezone: string;
}

export interface Occurrence {
  index: number;
  /**
   * The local date by the calendar, `YYYY-MM-DD`, which names the period. Where the clock change skips the last hour of
   * a day, the due time is on the day after and the name does not change.
   */
  period: string;
  dueAtMs: number;
}

/** The n-th occurrence, or null past the last: a delayed charge has one, an interval ends with the year 9999. */
export function occurrence(recurrence: Recurrence, index: number): Occurrence | null {
  return seriesOf(recurrence)(index);
}

/** The occurrences from `index` on, in order. */
export function* occurrencesFrom(recurrence: Recurrence, index: number): Generator<Occurrence, void, undefined> {
  const series = seriesOf(recurrence);
  for (let next = series(index); next !== null; next = series(next.index + 1)) yield next;
}

/** The first occurrence whose period is after `period` (`YYYY-MM-DD`, a period of this recurrence or any date). */
export function firstOccurrenceAfterPeriod(recurrence: Recurrence, period: string | null): Occurrence | null {
  const series = seriesOf(recurrence);
  const { at, every } = recurrence;
  if (period === null || at !== null || every === null) {
    const first = series(0);
    return first === null || period === null || first.period > period ? first : null;
  }
  // By dates alone, since an instant takes as long as the rest of an occurrence.
  const dates = datesOf(recurrence, every);
  const isBeyond = (index: number): boolean => {
    const date = dates(index);
    return date === null || date.toString() > period;
  };
  const first = dates(0);
  const elapsedDays = first === null ? 0 : first.until(period).days;
  return series(firstIndexBeyond(isBeyond, every, elapsedDays * DAY_MS));
}

/** The index of the first occurrence due strictly after the instant; one past the last when there is none. */
export function indexOfFirstDueAfter(recurrence: Recurrence, instantMs: number): number {
  assert(Number.isSafeInteger(instantMs), `not an instant: ${instantMs}`);
  const series = seriesOf(recurrence);
  return firstIndex(recurrence, series, instantMs, (candidate) => candidate.dueAtMs > instantMs);
}

type Series = (index: number) => Occurrence | null;

const DAY_MS = 86_400_000;
/** Mean lengths in the Gregorian calendar. */
const UNIT_DAYS: Record<IntervalUnit, number> = { day: 1, week: 7, month: 30.436875, year: 365.2425 };
const LAST_YEAR = 9999;
const LAST_INSTANT_MS = Date.UTC(LAST_YEAR + 1, 0, 2);

/** The first index that `isAfter` holds for: estimated from the mean length of an interval, then corrected. */
function firstIndex(
  { every }: Recurrence,
  series: Series,
  approximateMs: number,
  isAfter: (candidate: Occurrence) => boolean,
): number {
  const isBeyond = (index: number): boolean => {
    const candidate = series(index);
    return candidate === null || isAfter(candidate);
  };
  const first = series(0);
  const elapsedMs = first === null ? 0 : Math.min(approximateMs, LAST_INSTANT_MS) - first.dueAtMs;
  return firstIndexBeyond(isBeyond, every, elapsedMs);
}

/** The same, with the estimate made for so much time after the first occurrence. */
function firstIndexBeyond(isBeyond: (index: number) => boolean, every: Interval | null, elapsedMs: number): number {
  let index = every === null ? 0 : Math.max(0, Math.floor(elapsedMs / (every.count * UNIT_DAYS[every.unit] * DAY_MS)));
  while (index > 0 && isBeyond(index - 1)) index -= 1;
  while (!isBeyond(index)) index += 1;
  return index;
}

const MOST_REMEMBERED = 10_000;
const remembered = new Map<string, Series>();

/**
 * The series of a recurrence with its last occurrence kept: schedules with one recurrence fall due together, and an
 * occurrence takes 25 to 110 µs.
 */
function seriesOf(recurrence: Recurrence): Series {
  const { every, on, time, start, at, timezone } = recurrence;
  const key = JSON.stringify([every?.count, every?.unit, on, time, start, at, timezone]);
  const known = remembered.get(key);
  if (known !== undefined) return known;
  const series = rememberingLast(computedSeries(recurrence));
  if (remembered.size >= MOST_REMEMBERED) remembered.clear();
  remembered.set(key, series);
  return series;
}

function rememberingLast(series: Series): Series {
  let last: { index: number; occurrence: Occurrence | null } | null = null;
  return (index) => {
    if (last?.index !== index) last = { index, occurrence: series(index) };
    return last.occurrence;
  };
}

function computedSeries(recurrence: Recurrence): Series {
  const { every, at, timezone } = recurrence;
  assert((every === null) !== (at === null), 'a recurrence has an interval or one time, not both');
  if (at !== null) {
    const local = Temporal.PlainDateTime.from(at);
    return (index) => {
      assertIndex(index);
      return index > 0 ? null : { index, period: at.slice(0, 10), dueAtMs: localToEpochMs(local, timezone) };
    };
  }
  assert(every !== null && Number.isSafeInteger(every.count) && every.count >= 1, 'an interval is at least one unit');
  const time = Temporal.PlainTime.from(recurrence.time);
  const dates = datesOf(recurrence, every);
  return (index) => {
    const date = dates(index);
    if (date === null) return null;
    return { index, period: date.toString(), dueAtMs: localToEpochMs(date.toPlainDateTime(time), timezone) };
  };
}

/** The dates of an interval's occurrences, by the calendar; null past the year 9999. */
function datesOf(recurrence: Recurrence, { count, unit }: Interval): (index: number) => Temporal.PlainDate | null {
  const anchor = anchorOf(recurrence, unit);
  return (index) => {
    assertIndex(index);
    const units = index * count;
    // Well beyond the year 9999 and well within what Temporal can represent.
    if (units * UNIT_DAYS[unit] > 3_700_000) return null;
    const date = dateAfter(anchor, units, unit, recurrence.timezone);
    return date.year > LAST_YEAR ? null : date;
  };
}

interface Anchor {
  /** The date of the first occurrence. */
  first: Temporal.PlainDate;
  /** The day of the month that is wanted, which the month of `first` may not have. */
  day: number;
}

function anchorOf({ on, start, timezone }: Recurrence, unit: IntervalUnit): Anchor {
  const from = Temporal.PlainDate.from(start);
  if (unit === 'day') {
    assert(on === null, 'an interval of days has no "on"');
    const first = dateExists(from, timezone) ? from : from.add({ days: 1 });
    return { first, day: first.day };
  }
  if (unit === 'week') {
    const weekday = on === null ? from.dayOfWeek : WEEKDAYS.indexOf(on) + 1;
    assert(weekday > 0, `not a day of the week: ${on}`);
    const first = from.add({ days: (weekday - from.dayOfWeek + 7) % 7 });
    return { first, day: first.day };
  }
  const [day, month] = (on ?? String(from.day)).split('-').map(Number).reverse();
  assert(day !== undefined && day >= 1 && day <= 31, `not a day of the ${unit}: ${on}`);
  assert(month === undefined || (unit === 'year' && month >= 1 && month <= 12), `not a day of the ${unit}: ${on}`);
  const inStartPeriod = dayOfMonth(from.with({ day: 1, month: month ?? from.month }), day);
  if (Temporal.PlainDate.compare(inStartPeriod, from) >= 0) return { first: inStartPeriod, day };
  return {
    first: dayOfMonth(inStartPeriod.with({ day: 1 }).add(unit === 'year' ? { years: 1 } : { months: 1 }), day),
    day,
  };
}

/**
 * The anchor's date moved by so many units. Days are counted as the zone has them, so that a day that it skips wholly is
 * not billed for; a week, month or year that falls on such a day is due when the next day begins.
 */
function dateAfter({ first, day }: Anchor, units: number, unit: IntervalUnit, timezone: string): Temporal.PlainDate {
  switch (unit) {
    case 'day': {
      const date = first.add({ days: units });
      const skipped = skippedDate(first, date, timezone);
      return skipped === null ? date : date.add({ days: 1 });
    }
    case 'week':
      return first.add({ weeks: units });
    case 'month':
      return dayOfMonth(first.with({ day: 1 }).add({ months: units }), day);
    case 'year':
      return dayOfMonth(first.with({ day: 1 }).add({ years: units }), day);
  }
}

/** The day in the month of `date`, or the month's last day if it is shorter. */
function dayOfMonth(date: Temporal.PlainDate, day: number): Temporal.PlainDate {
  return date.with({ day }, { overflow: 'constrain' });
}

function assertIndex(index: number): void {
  assert(Number.isSafeInteger(index) && index >= 0, `not an index of an occurrence: ${index}`);
}
