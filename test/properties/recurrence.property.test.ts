// Recurrence against a second computation that shares nothing with it: offsets asked of Intl.DateTimeFormat and civil
// arithmetic on Date.UTC, walking day by day. fast-check prints the seed of a failure.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  firstOccurrenceAfterPeriod,
  INTERVAL_UNITS,
  indexOfFirstDueAfter,
  type Occurrence,
  occurrence,
  occurrencesFrom,
  type Recurrence,
  WEEKDAYS,
} from '../../src/schedules/recurrence.ts';

const isSoak = process.env.BURSAR_SOAK === '1';
/** Without the soak: the years in which Kwajalein, Kiribati and Samoa crossed the date line, and one of today's rules. */
const SWEPT_YEARS: [number, number][] = isSoak
  ? [[1975, 2040]]
  : [
      [1993, 1994],
      [2011, 2011],
      [2027, 2027],
    ];
const ZONES = ['UTC', ...Intl.supportedValuesOf('timeZone')];
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

// --- the plain computation: a wall-clock time is a number, the epoch milliseconds of the same fields in UTC

const formats = new Map<string, Intl.DateTimeFormat>();

/** What the zone's clock shows at an instant, whole seconds. */
function wallAt(zone: string, instantMs: number): number {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(zone, format);
  }
  const [month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0] = format
    .format(instantMs)
    .split(/\D+/)
    .map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

function offsetAt(zone: string, instantMs: number): number {
  return wallAt(zone, instantMs) - instantMs;
}

/** The one change of offset between two instants, to the second: the first instant after it. */
function changeBetween(zone: string, beforeMs: number, afterMs: number): number {
  const before = offsetAt(zone, beforeMs);
  while (afterMs - beforeMs > 1000) {
    const middleMs = Math.floor((beforeMs + afterMs) / 2000) * 1000;
    if (offsetAt(zone, middleMs) === before) beforeMs = middleMs;
    else afterMs = middleMs;
  }
  return afterMs;
}

/** The earlier of the instants that show the wall time, or the end of the gap that skips it. Zones are -12 to +14. */
function plainInstant(zone: string, wall: number): number {
  const [beforeMs, afterMs] = [wall - 15 * HOUR_MS, wall + 13 * HOUR_MS];
  const [before, after] = [offsetAt(zone, beforeMs), offsetAt(zone, afterMs)];
  if (before === after) return wall - before;
  const shown = [wall - before, wall - after].filter((instantMs) => wallAt(zone, instantMs) === wall);
  return shown.length > 0 ? Math.min(...shown) : changeBetween(zone, beforeMs, afterMs);
}

const lastDay = (date: Date): number =>
  new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
const months = (date: Date): number => date.getUTCFullYear() * 12 + date.getUTCMonth();

/** The first `count` occurrences, by asking of each day from the start on whether it is one. */
function plainOccurrences(recurrence: Recurrence, count: number): Occurrence[] {
  const { every, on, timezone } = recurrence;
  if (every === null) throw new Error('only intervals');
  const [hours = 0, minutes = 0] = recurrence.time.split(':').map(Number);
  const start = new Date(`${recurrence.start}T00:00:00Z`);
  const found: Occurrence[] = [];
  let matches = 0;
  let firstMatch: Date | null = null;
  for (let day = start.getTime(); found.length < count; day += DAY_MS) {
    const date = new Date(day);
    const monthDay = `${String(date.getUTCMonth() + 1).padStart(2, '0')}-${String(date.getUTCDate()).padStart(2, '0')}`;
    let isMatch: boolean;
    if (every.unit === 'day') {
      const beginsAt = wallAt(timezone, plainInstant(timezone, day));
      isMatch = beginsAt < day + DAY_MS;
    } else if (every.unit === 'week') {
      isMatch = (date.getUTCDay() + 6) % 7 === (on === null ? (start.getUTCDay() + 6) % 7 : WEEKDAYS.indexOf(on));
    } else {
      const [wantedDay = 0, wantedMonth] = (on ?? String(start.getUTCDate())).split('-').map(Number).reverse();
      isMatch =
        date.getUTCDate() === Math.min(wantedDay, lastDay(date)) &&
        (every.unit === 'month' || date.getUTCMonth() === (wantedMonth ?? start.getUTCMonth() + 1) - 1);
    }
    if (!isMatch) continue;
    firstMatch ??= date;
    // Months and years are told by the calendar and not by counting, so that a missed one would show.
    if (every.unit === 'month') matches = months(date) - months(firstMatch);
    if (every.unit === 'year') matches = date.getUTCFullYear() - firstMatch.getUTCFullYear();
    if (matches % every.count === 0) {
      found.push({
        index: found.length,
        period: `${date.getUTCFullYear()}-${monthDay}`,
        dueAtMs: plainInstant(timezone, day + hours * HOUR_MS + minutes * 60_000),
      });
    }
    matches += 1;
  }
  return found;
}

// --- what is tried

const dates = fc
  .integer({ min: Date.UTC(1975, 0, 1) / DAY_MS, max: Date.UTC(2041, 0, 1) / DAY_MS - 1 })
  .map((day) => new Date(day * DAY_MS).toISOString().slice(0, 10));
/** Half of them in the hours when clocks change. */
const times = fc
  .oneof(
    fc.integer({ min: 0, max: 1439 }),
    fc.integer({ min: 0, max: 16 }).map((quarters) => quarters * 15),
  )
  .map((minute) => new Date(minute * 60_000).toISOString().slice(11, 16));
const dayOfMonth = fc.oneof(fc.integer({ min: 1, max: 31 }), fc.integer({ min: 28, max: 31 })).map(String);
const dayOfYear = fc
  .integer({ min: 0, max: 365 })
  .map((day) => new Date(Date.UTC(2000, 0, 1 + day)).toISOString().slice(5, 10));
const anchors = {
  day: fc.constant(null),
  week: fc.option(fc.constantFrom(...WEEKDAYS)),
  month: fc.option(dayOfMonth),
  year: fc.option(fc.oneof(dayOfMonth, dayOfYear)),
};
const maxCounts = { day: 40, week: 10, month: 14, year: 4 };

const recurrences: fc.Arbitrary<Recurrence> = fc.constantFrom(...INTERVAL_UNITS).chain((unit) =>
  fc.record({
    every: fc.record({ count: fc.integer({ min: 1, max: maxCounts[unit] }), unit: fc.constant(unit) }),
    on: anchors[unit],
    time: times,
    start: dates,
    at: fc.constant(null),
    timezone: fc.constantFrom(...ZONES),
  }),
);

function firstOf(recurrence: Recurrence, count: number, index = 0): Occurrence[] {
  const found: Occurrence[] = [];
  for (const next of occurrencesFrom(recurrence, index)) if (found.push(next) === count) break;
  return found;
}

describe('recurrence', () => {
  it('equals the plain computation', () => {
    fc.assert(
      fc.property(recurrences, fc.integer({ min: 1, max: 24 }), (recurrence, count) => {
        expect(firstOf(recurrence, count)).toEqual(plainOccurrences(recurrence, count));
      }),
      { numRuns: isSoak ? 20_000 : 400 },
    );
  });

  it('ascends without two periods on one date, and the n-th needs no other', () => {
    fc.assert(
      fc.property(recurrences, fc.integer({ min: 0, max: 400 }), (recurrence, index) => {
        const found = firstOf(recurrence, 12, index);
        for (const [position, next] of found.entries()) {
          const before = found[position - 1];
          expect(next).toEqual(occurrence(recurrence, index + position));
          if (before === undefined) continue;
          expect(next.period > before.period).toBe(true);
          expect(next.dueAtMs).toBeGreaterThan(before.dueAtMs);
        }
      }),
      { numRuns: isSoak ? 12_000 : 400 },
    );
  });

  it('finds the first due after an instant, and the first after a period, as a search from 0 does', () => {
    const moments = fc.record({
      index: fc.integer({ min: 0, max: 100 }),
      shiftMs: fc.oneof(fc.integer({ min: -2, max: 2 }), fc.integer({ min: -90 * DAY_MS, max: 90 * DAY_MS })),
    });
    fc.assert(
      fc.property(recurrences, moments, (recurrence, { index, shiftMs }) => {
        const all = firstOf(recurrence, 300);
        const instantMs = (all[index]?.dueAtMs ?? 0) + shiftMs;
        expect(indexOfFirstDueAfter(recurrence, instantMs)).toBe(all.findIndex(({ dueAtMs }) => dueAtMs > instantMs));
        const date = new Date(instantMs).toISOString().slice(0, 10);
        expect(firstOccurrenceAfterPeriod(recurrence, date)).toEqual(all.find(({ period }) => period > date));
      }),
      { numRuns: isSoak ? 5_000 : 100 },
    );
  });

  it('holds in every zone on both sides of every clock change of the swept years', () => {
    let changes = 0;
    for (const timezone of ZONES) {
      for (const [firstYear, lastYear] of SWEPT_YEARS) {
        const [from, to] = [Date.UTC(firstYear, 0, 1), Date.UTC(lastYear + 1, 0, 1)];
        for (let beforeMs = from; beforeMs < to; beforeMs += 10 * DAY_MS) {
          const afterMs = beforeMs + 10 * DAY_MS;
          if (offsetAt(timezone, beforeMs) === offsetAt(timezone, afterMs)) continue;
          changes += 1;
          const change = changeBetween(timezone, beforeMs, afterMs);
          // From a quarter before the earlier of the two wall times to a quarter after the later one; else the borders.
          const low = Math.min(wallAt(timezone, change - 1000) + 1000, wallAt(timezone, change));
          const high = Math.max(wallAt(timezone, change - 1000) + 1000, wallAt(timezone, change));
          const between = [low, high - 60_000, high];
          const walls = isSoak ? [low - 900_000, ...between, (low + high) / 2, high + 900_000] : between;
          for (const wall of walls) {
            const start = new Date(wall - DAY_MS).toISOString().slice(0, 10);
            const time = new Date(wall).toISOString().slice(11, 16);
            const recurrence: Recurrence = {
              every: { count: 1, unit: 'day' },
              on: null,
              time,
              start,
              at: null,
              timezone,
            };
            const found = firstOf(recurrence, 3);
            expect(found, `${timezone} ${start} ${time}`).toEqual(plainOccurrences(recurrence, 3));
          }
        }
      }
    }
    expect(changes).toBeGreaterThan(1000);
  });
});
