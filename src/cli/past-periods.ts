// A schedule that begins in the past: what a billing run would make of that is told before anything is written, so that
// nobody is billed for past months by surprise.
import { duePeriods } from '../billing/periods.ts';
import { BursarError } from '../errors.ts';
import { today } from '../schedules/operations.ts';
import type { Schedule } from '../schedules/schedule.ts';
import { type Asker, canAsk, confirm } from './prompts.ts';
import { countText, totalText } from './views/schedule-view.ts';

export interface PastPeriods {
  /** For a person, one sentence. */
  notice: string;
  /** Whether any of them began before today: then it may be a slip. */
  isBeforeToday: boolean;
  /** How many a run would pass over before the first that it bills. */
  skipped: number;
}

/** The periods that are due already; null when there are none. */
export function pastPeriods(schedule: Schedule, nowMs: number): PastPeriods | null {
  const { bill, skip } = duePeriods(schedule, nowMs, { mode: 'all' });
  const [first] = bill;
  const last = bill.at(-1);
  const dates = first?.period === last?.period ? first?.period : `${first?.period} to ${last?.period}`;
  const parts = [
    ...(bill.length > 0 ? [`charge what is due already (${dates}): ${totalText(schedule, bill.length)}`] : []),
    ...(skip.length > 0 ? [`skip ${countText(skip.length)} older than the catch-up window of 35 days`] : []),
  ];
  if (parts.length === 0) return null;
  const date = today(schedule.recurrence.timezone, nowMs);
  return {
    notice: `A billing run now would ${parts.join(', and ')}.`,
    skipped: skip.length,
    isBeforeToday: [...bill, ...skip.map(({ occurrence }) => occurrence)].some(({ period }) => period < date),
  };
}

/** Tells of past periods, and refuses (`invalid_value`) one charge so long ago that no run would make it; on a terminal asks whether they are meant. Off a terminal they are. */
export async function tellPastPeriods(
  asker: Asker,
  schedule: Schedule,
  nowMs: number,
  how: { note: (text: string) => void; mayAsk: boolean },
): Promise<void> {
  const past = pastPeriods(schedule, nowMs);
  if (past === null) return;
  if (schedule.recurrence.every === null && past.skipped > 0) {
    throw new BursarError(
      'invalid_value',
      `--at: ${schedule.recurrence.at} is older than the catch-up window of 35 days, so it would never be charged. Nothing was created.`,
      { hint: 'Name a later time, or charge now with: bursar charges create' },
    );
  }
  how.note(`${past.notice}\n`);
  if (how.mayAsk && past.isBeforeToday && canAsk(asker)) {
    await confirm(asker, `Create a schedule that begins on ${schedule.next?.period}, in the past?`);
  }
}
