// Times that a person gives: --since, --until and --as-of as epoch milliseconds. The calendar is loaded only when one is
// given, since it takes 15 ms to load.
import { BursarError } from '../errors.ts';
import { flagValue } from './flag-value.ts';

export interface TimeRange {
  sinceMs?: number;
  untilMs?: number;
}

/** One instant; without an offset in `timezone`. BursarError(`invalid_time`). */
export async function parseTime(flag: string, text: string, timezone: string): Promise<number> {
  const { parseInstant } = await import('../schedules/calendar-input.ts');
  return flagValue(flag, () => parseInstant(text, timezone));
}

/** `--since` (inclusive) and `--until` (exclusive), each if given. BursarError(`invalid_time`) for a range that is empty. */
export async function parseTimeRange(
  flags: { since?: string | undefined; until?: string | undefined },
  zone: { readonly timezone: string },
): Promise<TimeRange> {
  const range: TimeRange = {};
  if (flags.since !== undefined) range.sinceMs = await parseTime('--since', flags.since, zone.timezone);
  if (flags.until !== undefined) range.untilMs = await parseTime('--until', flags.until, zone.timezone);
  const { sinceMs, untilMs } = range;
  if (sinceMs !== undefined && untilMs !== undefined && sinceMs >= untilMs) {
    throw new BursarError(
      'invalid_time',
      '--since is not before --until, so nothing lies between them. Nothing was done.',
      {
        hint: '--since is inclusive, --until exclusive.',
      },
    );
  }
  return range;
}
