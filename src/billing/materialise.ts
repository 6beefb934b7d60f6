// Due periods become charges, set-based and in pages, so that memory is bounded. A period's charge id is derived from
// book, schedule and period: whoever materialises it, whenever, on whichever copy of the book, makes the same charge.
import type { Knex } from 'knex';
import type { Charge } from '../charges/charge.ts';
import { existingChargeIds } from '../charges/charges-store.ts';
import type { ChargesContext } from '../charges/context.ts';
import { newCharge, writePendingCharges } from '../charges/new-charge.ts';
import { methodsById } from '../customers/methods-store.ts';
import { assert } from '../errors.ts';
import { derivedId } from '../ids.ts';
import type { Schedule } from '../schedules/schedule.ts';
import {
  dueSchedules,
  insertSkippedPeriods,
  type SkippedPeriod,
  schedulesById,
  updateSchedules,
} from '../schedules/schedules-store.ts';
import { chunks } from '../storage/batch.ts';
import { writeTrx } from '../storage/trx.ts';
import { type CatchUp, duePeriods } from './periods.ts';
import { addTotals, type DueTotal } from './run.ts';

const PAGE_SCHEDULES = 500;

/** What materialising would bill and skip at `asOfMs`, with nothing written. */
export async function dueTotalsOfSchedules(
  db: Knex,
  asOfMs: number,
  catchUp: CatchUp,
): Promise<{ totals: DueTotal[]; skipped: number }> {
  let totals: DueTotal[] = [];
  let skipped = 0;
  for await (const page of duePages(db, asOfMs)) {
    const lines = page.map((schedule) => {
      const { bill, skip } = duePeriods(schedule, asOfMs, catchUp);
      skipped += skip.length;
      return {
        currency: schedule.currency,
        count: bill.length,
        amountMinor: schedule.amountMinor * BigInt(bill.length),
      };
    });
    totals = addTotals([...totals, ...lines.filter(({ count }) => count > 0)]);
  }
  return { totals, skipped };
}

/** Writes the charges of every due period, and what was passed over. */
export async function materialise(
  context: ChargesContext,
  options: { asOfMs: number; catchUp: CatchUp; runId: string; stopped: () => boolean },
): Promise<{ charges: number; skipped: number }> {
  const sum = { charges: 0, skipped: 0 };
  for await (const page of duePages(context.book.reader, options.asOfMs)) {
    if (options.stopped()) break;
    const done = await writeTrx(context.book, (trx) => materialisePage(trx, context, page, options));
    sum.charges += done.charges;
    sum.skipped += done.skipped;
  }
  return sum;
}

async function* duePages(db: Knex, asOfMs: number): AsyncGenerator<Schedule[]> {
  let after: { dueAtMs: number; id: string } | undefined;
  for (;;) {
    const page: Schedule[] = await dueSchedules(db, asOfMs, PAGE_SCHEDULES, after);
    const last = page.at(-1);
    if (last === undefined) return;
    assert(last.next !== null, 'a due schedule has a next period');
    after = { dueAtMs: last.next.dueAtMs, id: last.id };
    yield page;
  }
}

async function materialisePage(
  trx: Knex,
  context: ChargesContext,
  page: readonly Schedule[],
  { asOfMs, catchUp, runId }: { asOfMs: number; catchUp: CatchUp; runId: string },
): Promise<{ charges: number; skipped: number }> {
  const nowMs = context.clock.nowMs();
  // Read again under the writer's lock: another run may have been here, or an operator may have cancelled.
  const schedules = [
    ...(
      await schedulesById(
        trx,
        page.map(({ id }) => id),
      )
    ).values(),
  ].filter(({ status }) => status === 'active');
  const methods = await methodsById(trx, [...new Set(schedules.map(({ methodId }) => methodId))]);
  const charges: Charge[] = [];
  const skipped: SkippedPeriod[] = [];
  const changed: Schedule[] = [];
  for (const schedule of schedules) {
    const { bill, skip, next } = duePeriods(schedule, asOfMs, catchUp);
    if (bill.length + skip.length === 0) continue;
    const method = methods.get(schedule.methodId);
    assert(method !== undefined, 'a schedule has its payment method');
    for (const { period, dueAtMs } of bill) {
      charges.push(
        newCharge(
          {
            id: periodChargeId(context.book.bookId, schedule.id, period, dueAtMs),
            customerId: schedule.customerId,
            methodId: schedule.methodId,
            gateway: method.gateway,
            amountMinor: schedule.amountMinor,
            currency: schedule.currency,
            intent: 'sale',
            policy: schedule.policy,
            description: schedule.description,
            metadata: schedule.metadata,
            idempotencyKey: null,
            scheduleId: schedule.id,
            period,
            timezone: schedule.recurrence.timezone,
            dueAt: dueAtMs,
          },
          nowMs,
        ),
      );
    }
    for (const { occurrence, reason } of skip) {
      skipped.push({ scheduleId: schedule.id, period: occurrence.period, dueAt: occurrence.dueAtMs, reason, runId });
    }
    changed.push({
      ...schedule,
      next,
      status: next === null ? 'completed' : schedule.status,
      version: schedule.version + 1,
      updatedAt: nowMs,
    });
  }
  const existing = await existingChargeIds(
    trx,
    charges.map(({ id }) => id),
  );
  const fresh = charges.filter(({ id }) => !existing.has(id));
  for (const chunk of chunks(fresh)) await writePendingCharges(trx, context, chunk);
  for (const chunk of chunks(skipped)) await insertSkippedPeriods(trx, chunk, nowMs);
  await updateSchedules(trx, changed);
  return { charges: fresh.length, skipped: skipped.length };
}

/** The one charge id that this period can have: its due time, then an HMAC keyed by the book's id. */
export function periodChargeId(bookId: string, scheduleId: string, period: string, dueAtMs: number): string {
  return derivedId('charge', dueAtMs, bookId, scheduleId, period);
}
