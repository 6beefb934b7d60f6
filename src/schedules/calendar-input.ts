// What a user types about time, checked and brought into one form: intervals, anchors, dates, instants and zones.
// Messages tell what is wrong; what was not done is for the caller to add.
import { distance } from 'fastest-levenshtein';
import { Temporal } from 'temporal-polyfill';
import { BursarError } from '../errors.ts';
import { localToEpochMs } from './local-time.ts';
import { INTERVAL_UNITS, type Interval, type IntervalUnit, WEEKDAYS } from './recurrence.ts';

const MAX_INTERVAL_COUNT = 1000;

/** `1 month`, `2 weeks`, `month`: a count of 1 to 1000 and a unit. Refuses with `invalid_value`. */
export function parseEvery(text: string): Interval {
  const [, digits, name] = /^(?:(\d{1,9})\s*)?([a-z]+)$/i.exec(text.trim()) ?? [];
  const unit = INTERVAL_UNITS.find((known) => name !== undefined && [known, `${known}s`].includes(name.toLowerCase()));
  if (unit === undefined) {
    throw new BursarError('invalid_value', `"${text}" is not an interval.`, {
      hint: 'Write a whole number of days, weeks, months or years, such as "1 month" or "2 weeks".',
    });
  }
  const count = Number(digits ?? 1);
  if (count < 1 || count > MAX_INTERVAL_COUNT) {
    throw new BursarError('invalid_value', `An interval is 1 to ${MAX_INTERVAL_COUNT} ${unit}s, not ${count}.`);
  }
  return { count, unit };
}

/** `1 month`, `2 weeks`: the form that parseEvery takes. */
export function formatEvery({ count, unit }: Interval): string {
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

const WEEKDAY_NAMES = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

const ON_HINTS: Record<Exclude<IntervalUnit, 'day'>, string> = {
  week: `Write one of ${WEEKDAYS.join(', ')}.`,
  month: 'Write a day of the month, 1 to 31; a shorter month is billed on its last day.',
  year: "Write a month and day, such as 03-31, or a day of the start's month, 1 to 31.",
};

/** The anchor of an interval in the form that Recurrence.on has. Refuses with `invalid_value`. */
export function parseOn(text: string, unit: IntervalUnit): string {
  if (unit === 'day') {
    throw new BursarError('invalid_value', `An interval of days takes no day to fall on, and "${text}" was given.`, {
      hint: 'It is counted from the start date.',
    });
  }
  const value = text.trim().toLowerCase();
  if (unit === 'week') {
    const weekday = WEEKDAYS.find((name, index) => value === name || value === WEEKDAY_NAMES[index]);
    if (weekday !== undefined) return weekday;
  } else {
    if (/^\d{1,2}$/.test(value) && Number(value) >= 1 && Number(value) <= 31) return String(Number(value));
    // In a leap year, so that Feb 29 is a day of the year; it is clamped in the others.
    if (unit === 'year' && /^\d\d-\d\d$/.test(value) && isDate(`2000-${value}`)) return value;
  }
  throw new BursarError('invalid_value', `"${text}" is not a day of the ${unit}.`, { hint: ON_HINTS[unit] });
}

/** `HH:MM`, 00:00 to 23:59. Refuses with `invalid_time`. */
export function parseTimeOfDay(text: string): string {
  const value = text.trim();
  if (/^([01]\d|2[0-3]):[0-5]\d$/.test(value)) return value;
  throw new BursarError('invalid_time', `"${text}" is not a time of day.`, {
    hint: 'Write hours and minutes from 00:00 to 23:59, such as 09:00.',
  });
}

/** `YYYY-MM-DD`, a date of the calendar from 1970 to 9999. Refuses with `invalid_time`. */
export function parseLocalDate(text: string): string {
  const value = text.trim();
  if (!/^\d{4}-\d\d-\d\d$/.test(value)) {
    throw new BursarError('invalid_time', `"${text}" is not a date.`, {
      hint: 'Write year, month and day, such as 2027-02-28.',
    });
  }
  if (!isDate(value)) throw new BursarError('invalid_time', `The calendar has no ${value}.`);
  if (value < '1970') throw new BursarError('invalid_time', `${value} is before 1970.`);
  return value;
}

/** `YYYY-MM-DDTHH:MM` (a space may stand for the T). Refuses with `invalid_time`. */
export function parseLocalDateTime(text: string): string {
  const [, date, time] = /^(\S+?)[T ](\d\d:\d\d)$/i.exec(text.trim()) ?? [];
  if (date === undefined || time === undefined) {
    throw new BursarError('invalid_time', `"${text}" is not a local date and time.`, {
      hint: 'Write it such as 2027-02-01T09:00, without an offset: the time zone is told apart.',
    });
  }
  return `${parseLocalDate(date)}T${parseTimeOfDay(time)}`;
}

const INSTANT =
  /^(?<date>\d{4}-\d\d-\d\d)(?:[T ](?<time>[0-2]\d:[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?)(?<offset>Z|[+-]\d\d:\d\d)?)?$/i;

/**
 * An instant in epoch milliseconds: ISO 8601 with an offset or Z; or a local date and time in `timezone`; or a date, the
 * start of that day in `timezone`. Refuses with `invalid_time`.
 */
export function parseInstant(text: string, timezone: string): number {
  const { date, time, offset } = INSTANT.exec(text.trim())?.groups ?? {};
  if (date === undefined) throw notAnInstant(text);
  const local = `${parseLocalDate(date)}T${time ?? '00:00'}`;
  try {
    if (offset !== undefined) return Temporal.Instant.from(`${local}${offset.toUpperCase()}`).epochMilliseconds;
    return localToEpochMs(Temporal.PlainDateTime.from(local), timezone);
  } catch (error) {
    if (error instanceof RangeError) throw notAnInstant(text, error);
    throw error;
  }
}

function notAnInstant(text: string, cause?: RangeError): BursarError {
  return new BursarError('invalid_time', `"${text}" is not a point in time.`, {
    hint: 'Write it such as 2027-02-01T09:00:00Z, 2027-02-01T09:00+01:00, 2027-02-01T09:00 (local) or 2027-02-01.',
    cause,
  });
}

/** An IANA zone name in its own case. Refuses offsets and other names with `invalid_timezone`. */
export function parseTimezone(text: string): string {
  const value = text.trim();
  const name = /^[a-z]/i.test(value) ? zoneId(value) : null;
  if (name !== null) return name;
  const nearest = nearestTimezone(value);
  throw new BursarError('invalid_timezone', `"${text}" is not a time zone of the IANA database.`, {
    hint: nearest === null ? 'Write a name such as Europe/Paris or UTC.' : `Did you mean ${nearest}?`,
  });
}

/** The system's zone; UTC where the system does not say. */
export function systemTimezone(): string {
  // Undefined, whatever its type says, where TZ names no zone.
  const name: string | undefined = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return zoneId(name ?? '') ?? 'UTC';
}

function zoneId(name: string): string | null {
  try {
    return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name).timeZoneId;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function nearestTimezone(text: string): string | null {
  const wanted = text.toLowerCase().replaceAll(/\s+/g, '_');
  let nearest: string | null = null;
  let nearestDistance = Math.max(2, Math.floor(wanted.length / 3)) + 1;
  for (const zone of ['UTC', ...Intl.supportedValuesOf('timeZone')]) {
    const name = zone.toLowerCase();
    const city = name.slice(name.lastIndexOf('/') + 1);
    const zoneDistance = Math.min(distance(wanted, name), distance(wanted, city));
    if (zoneDistance < nearestDistance) [nearest, nearestDistance] = [zone, zoneDistance];
  }
  return nearest;
}

function isDate(text: string): boolean {
  try {
    Temporal.PlainDate.from(text, { overflow: 'reject' });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
