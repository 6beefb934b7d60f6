// Charges that the book does not have but can name: the id of a period's charge follows from book, schedule and period,
// and begins with the time at which the period fell due.
import { materialiseSchedules, periodChargeId } from '../billing/materialise.ts';
import type { ChargesContext } from '../charges/context.ts';
import { timeOfId } from '../ids.ts';
import { indexOfFirstDueAfter, occurrencesFrom } from '../schedules/recurrence.ts';
import type { Schedule } from '../schedules/schedule.ts';
import { type DueSchedule, dueSchedules, schedulesById } from '../schedules/schedules-store.ts';

const PAGE_SCHEDULES = 500;
/** A test book may be billed for days to come; an id with a time beyond all sense must not cost a calendar. */
const FURTHEST_AHEAD_MS = 2 * 366 * 86_400_000;

export interface LostPeriod {
  chargeId: string;
  scheduleId: string;
  dueAtMs: number;
}

/** Which of these ids are charges of periods that no run of this book has come to yet. */
export async function findLostPeriods(context: ChargesContext, chargeIds: ReadonlySet<string>): Promise<LostPeriod[]> {
  const { book, clock } = context;
  const furthest = clock.nowMs() + FURTHEST_AHEAD_MS;
  const times = new Set([...chargeIds].map(timeOfId).filter((timeMs) => timeMs <= furthest));
  if (times.size === 0) return [];
  const first = [...times].reduce((one, other) => Math.min(one, other));
  const last = [...times].reduce((one, other) => Math.max(one, other));
  const lost: LostPeriod[] = [];
  let after: DueSchedule | undefined;
  for (;;) {
    const page = await dueSchedules(book.reader, last, PAGE_SCHEDULES, after);
    after = page.at(-1);
    if (after === undefined) return lost;
    const schedules = await schedulesById(
      book.reader,
      page.map(({ id }) => id),
    );
    for (const schedule of schedules.values()) {
      for (const { period, dueAtMs } of occurrencesBetween(schedule, first, last)) {
        if (!times.has(dueAtMs)) continue;
        const chargeId = periodChargeId(book.bookId, schedule.id, period, dueAtMs);
        if (chargeIds.has(chargeId)) lost.push({ chargeId, scheduleId: schedule.id, dueAtMs });
      }
    }
  }
}

function* occurrencesBetween({ next, recurrence }: Schedule, firstMs: number, lastMs: number) {
  if (next === null) return;
  const index =
    next.dueAtMs >= firstMs ? next.index : Math.max(next.index, indexOfFirstDueAfter(recurrence, firstMs - 1));
  for (const occurrence of occurrencesFrom(recurrence, index)) {
    if (occurrence.dueAtMs > lastMs) return;
    yield occurrence;
  }
}

/** Makes these charges as a billing run would have, in the order in which they fell due, with the periods before them. */
export async function makeLostPeriods(context: ChargesContext, lost: readonly LostPeriod[]): Promise<void> {
  const byTime = new Map<number, Set<string>>();
  for (const { dueAtMs, scheduleId } of lost) {
    byTime.set(dueAtMs, (byTime.get(dueAtMs) ?? new Set()).add(scheduleId));
  }
  for (const [dueAtMs, scheduleIds] of [...byTime].sort(([one], [other]) => one - other)) {
    await materialiseSchedules(context, [...scheduleIds], dueAtMs);
  }
}
