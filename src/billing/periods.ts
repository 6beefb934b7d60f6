// Which of a schedule's due periods a run bills and which it passes over, as pure rules. What is passed over is
// recorded, never silent.
import { BursarError } from '../errors.ts';
import { indexOfFirstDueAfter, type Occurrence, occurrence, occurrencesFrom } from '../schedules/recurrence.ts';
import type { Schedule } from '../schedules/schedule.ts';

const DAY_MS = 86_400_000;
/** Nothing that fell due longer ago than this is billed by itself, in any mode. */
export const CATCH_UP_WINDOW_MS = 35 * DAY_MS;
/** Under `skip`, what fell due within a day is this run's own work; everything older was missed. */
const MISSED_AFTER_MS = DAY_MS;

/** `max`: the newest so many due periods of each schedule. */
export type CatchUp = { mode: 'all' } | { mode: 'latest' } | { mode: 'skip' } | { mode: 'max'; periods: number };

/** Reads `all`, `latest`, `skip` or `max=N`. */
export function parseCatchUp(text: string): CatchUp {
  if (text === 'all' || text === 'latest' || text === 'skip') return { mode: text };
  const max = /^max=([1-9]\d{0,3})$/.exec(text);
  if (max !== null) return { mode: 'max', periods: Number(max[1]) };
  throw new BursarError(
    'invalid_value',
    `--catch-up takes all, latest, skip or max=N, not "${text.slice(0, 40)}". Nothing was done.`,
  );
}

/** All of a schedule that says which of its periods are due. */
export type Recurring = Pick<Schedule, 'recurrence' | 'next'>;

export interface DuePeriods {
  bill: Occurrence[];
  skip: { occurrence: Occurrence; reason: string }[];
  /** What the schedule waits for afterwards; `null` when none is left. Due already where the limit left some over. */
  next: Occurrence | null;
}

/** Splits the oldest `limit` of the periods of an active schedule that are due at `asOfMs`. */
export function duePeriods(
  schedule: Recurring,
  asOfMs: number,
  catchUp: CatchUp,
  limit = Number.POSITIVE_INFINITY,
): DuePeriods {
  const due: Occurrence[] = [];
  let next = schedule.next;
  if (next !== null) {
    // The one that is stored needs no calendar; only those behind it are computed (25 to 45 µs each).
    const later = occurrencesFrom(schedule.recurrence, next.index + 1);
    while (next !== null && next.dueAtMs <= asOfMs && due.length < limit) {
      due.push(next);
      next = later.next().value ?? null;
    }
  }
  const firstBilled = firstBilledIndex(schedule, asOfMs, catchUp, due.at(-1), next);
  const bill: Occurrence[] = [];
  const skip: DuePeriods['skip'] = [];
  for (const occurrence of due) {
    const ageMs = asOfMs - occurrence.dueAtMs;
    if (ageMs > CATCH_UP_WINDOW_MS) skip.push({ occurrence, reason: 'outside the catch-up window of 35 days' });
    else if (catchUp.mode === 'skip' && ageMs > MISSED_AFTER_MS) skip.push({ occurrence, reason: 'catch-up skip' });
    else if (occurrence.index < firstBilled) skip.push({ occurrence, reason: `catch-up ${textOf(catchUp)}` });
    else bill.push(occurrence);
  }
  return { bill, skip, next };
}

/** How many periods `duePeriods` bills and skips without a limit; those before the window are counted, not computed. */
export function countDuePeriods(schedule: Recurring, asOfMs: number, catchUp: CatchUp): { bill: number; skip: number } {
  const { recurrence, next } = schedule;
  const opensMs = asOfMs - CATCH_UP_WINDOW_MS;
  if (next === null || next.dueAtMs >= opensMs) return counts(duePeriods(schedule, asOfMs, catchUp));
  const first = indexOfFirstDueAfter(recurrence, opensMs - 1);
  const { bill, skip } = counts(duePeriods({ ...schedule, next: occurrence(recurrence, first) }, asOfMs, catchUp));
  return { bill, skip: skip + first - next.index };
}

function counts({ bill, skip }: DuePeriods): { bill: number; skip: number } {
  return { bill: bill.length, skip: skip.length };
}

/** The index from which on `latest` and `max` bill, told from the newest due period, considered in this call or not. */
function firstBilledIndex(
  { recurrence }: Recurring,
  asOfMs: number,
  catchUp: CatchUp,
  last: Occurrence | undefined,
  next: Occurrence | null,
): number {
  if (last === undefined || (catchUp.mode !== 'latest' && catchUp.mode !== 'max')) return 0;
  const isLeftOver = next !== null && next.dueAtMs <= asOfMs;
  const end = isLeftOver ? indexOfFirstDueAfter(recurrence, asOfMs) : last.index + 1;
  return end - (catchUp.mode === 'max' ? catchUp.periods : 1);
}

const textOf = (catchUp: CatchUp): string => (catchUp.mode === 'max' ? `max=${catchUp.periods}` : catchUp.mode);
