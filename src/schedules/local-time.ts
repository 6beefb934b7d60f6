// From a zone's wall clock to an instant, by one rule for what daylight saving skips or repeats. Time zone data is that
// of the runtime (ICU), the same that Intl uses.
import { Temporal } from 'temporal-polyfill';

/**
 * The first instant, in epoch milliseconds, at which the zone's wall clock shows `local` or a later time. So a time that
 * is skipped becomes the first instant after the gap (Temporal's own `compatible` would add the gap's length: 03:30 for
 * 02:30 where the design asks for the next valid instant, 03:00), and a time that is repeated is its earlier pass.
 */
export function localToEpochMs(local: Temporal.PlainDateTime, timezone: string): number {
  const later = local.toZonedDateTime(timezone);
  if (later.toPlainDateTime().equals(local)) return later.epochMilliseconds;

  // A gap, which ends between these two. Halving asks only for offsets: the search for the zone's next transition is
  // slower, and polyfills may end it some years from now.
  let beforeMs = local.toZonedDateTime(timezone, { disambiguation: 'earlier' }).epochMilliseconds;
  let afterMs = later.epochMilliseconds;
  while (afterMs - beforeMs > 1) {
    const middleMs = Math.floor((beforeMs + afterMs) / 2);
    const wall = Temporal.Instant.fromEpochMilliseconds(middleMs).toZonedDateTimeISO(timezone).toPlainDateTime();
    if (Temporal.PlainDateTime.compare(wall, local) < 0) beforeMs = middleMs;
    else afterMs = middleMs;
  }
  return afterMs;
}

/** Whether the date has any moment in the zone: Pacific/Apia went from 2011-12-29 to 2011-12-31 overnight. */
export function dateExists(date: Temporal.PlainDate, timezone: string): boolean {
  return date.toZonedDateTime({ timeZone: timezone }).toPlainDate().equals(date);
}

const DATE_LINE_SHIFT_NANOSECONDS = 20 * 3_600e9;

/**
 * The date in (`from`, `to`] that the zone skips wholly, or null. It can be told by the offset, which grows by a day
 * where a zone moves across the date line and by an hour or two otherwise. No zone has crossed twice since 1970.
 */
export function skippedDate(
  from: Temporal.PlainDate,
  to: Temporal.PlainDate,
  timezone: string,
): Temporal.PlainDate | null {
  const offset = (date: Temporal.PlainDate): number =>
    date.toZonedDateTime({ timeZone: timezone, plainTime: '00:00' }).offsetNanoseconds;
  const fromOffset = offset(from);
  const hasCrossed = (days: number): boolean => offset(from.add({ days })) - fromOffset >= DATE_LINE_SHIFT_NANOSECONDS;

  let beforeDays = 0;
  let afterDays = from.until(to).days;
  if (!hasCrossed(afterDays)) return null;
  while (afterDays - beforeDays > 1) {
    const middleDays = Math.floor((beforeDays + afterDays) / 2);
    if (hasCrossed(middleDays)) afterDays = middleDays;
    else beforeDays = middleDays;
  }
  const skipped = from.add({ days: afterDays });
  return dateExists(skipped, timezone) ? null : skipped;
}
