// Due periods become charges, set-based and in pages, so that memory is bounded. A period's charge id is derived from
// book, schedule and period: whoever materialises it, whenever, on whichever copy of the book, makes the same charge.

import { type AuditEntry, appendAudit } from '../audit/audit.ts';
import type { Charge } from '../charges/charge.ts';
import { existingChargeIds } from '../charges/charges-store.ts';
import type { ChargesContext } from '../charges/context.ts';
import { newCharge, writePendingCharges } from '../charges/new-charge.ts';
import { methodsById } from '../customers/methods-store.ts';
import { assert } from '../errors.ts';
import { derivedId } from '../ids.ts';
import type { Schedule } from '../schedules/schedule.ts';
import { completedEntry, skippedEntry } from '../schedules/schedule-audit.ts';
import {
  type DueSchedule,
  dueGroups,
  dueSchedules,
  insertSkippedPeriods,
  type SkippedPeriod,
  schedulesById,
  updateSchedules,
} from '../schedules/schedules-store.ts';
import { chunks } from '../storage/batch.ts';
import type { Db } from '../storage/db.ts';
import { writeTrx } from '../storage/trx.ts';
import { type CatchUp, countDuePeriods, duePeriods } from './periods.ts';
import { addTotals, type DueTotal } from './run.ts';

const PAGE_SCHEDULES = 250;
const COUNTED_SCHEDULES = 20_000;
/** A schedule that begins decades ago has thousands of periods, which all are skipped and recorded. */
const PERIODS_PER_TRX = 2000;

/** What materialising would bill and skip at `asOfMs`, with nothing written. */
export async function dueTotalsOfSchedules(
  db: Db,
  asOfMs: number,
  catchUp: CatchUp,
): Promise<{ totals: DueTotal[]; skipped: number }> {
  let totals: DueTotal[] = [];
  let skipped = 0;
  for await (const { after, last } of duePages(db, asOfMs, COUNTED_SCHEDULES)) {
    const lines = (await dueGroups(db, after, last)).map((group) => {
      const { bill, skip } = countDuePeriods(group, asOfMs, catchUp);
      skipped += skip * group.count;
      return { currency: group.currency, count: bill * group.count, amountMinor: group.amountMinor * BigInt(bill) };
    });
    totals = addTotals([...totals, ...lines.filter(({ count }) => count > 0)]);
  }
  return { totals, skipped };
}

/** What one commit of materialising has come to. */
export interface Materialised {
  /** The charges that were made. */
  chargeIds: string[];
  /** How many periods were passed over. */
  skipped: number;
}

/** Writes the charges of every due period, and what was passed over, commit by commit as it is read. */
export async function* materialise(
  context: ChargesContext,
  options: { asOfMs: number; catchUp: CatchUp; runId: string; stopped: () => boolean },
): AsyncGenerator<Materialised> {
  for await (const { ids } of duePages(context.book.reader, options.asOfMs, PAGE_SCHEDULES)) {
    for (let left = ids; left.length > 0; ) {
      if (options.stopped()) return;
      const done = await writeTrx(context.book, (trx) => materialiseSome(trx, context, left, options));
      yield done;
      left = done.left;
    }
  }
}

/** Makes the charges of every period of these schedules that is due at `asOfMs`, as a run that catches all up would. */
export async function materialiseSchedules(
  context: ChargesContext,
  scheduleIds: readonly string[],
  asOfMs: number,
): Promise<void> {
  const options = { asOfMs, catchUp: { mode: 'all' as const }, runId: null };
  for (const page of chunks(scheduleIds, PAGE_SCHEDULES)) {
    for (let ids = page; ids.length > 0; ) {
      ids = (await writeTrx(context.book, (trx) => materialiseSome(trx, context, ids, options))).left;
    }
  }
}

async function* duePages(
  db: Db,
  asOfMs: number,
  size: number,
): AsyncGenerator<{ ids: string[]; after: DueSchedule | undefined; last: DueSchedule }> {
  let after: DueSchedule | undefined;
  for (;;) {
    const page = await dueSchedules(db, asOfMs, size, after);
    const last = page.at(-1);
    if (last === undefined) return;
    yield { ids: page.map(({ id }) => id), after, last };
    after = last;
  }
}

/** The next periods of these schedules, as many as fit into a trx. `left` are the schedules that have more. */
async function materialiseSome(
  trx: Db,
  context: ChargesContext,
  ids: readonly string[],
  { asOfMs, catchUp, runId }: { asOfMs: number; catchUp: CatchUp; runId: string | null },
): Promise<Materialised & { left: string[] }> {
  const nowMs = context.clock.nowMs();
  // Read again under the writer's lock: another run may have been here, or an operator may have cancelled.
  const schedules = [...(await schedulesById(trx, ids)).values()].filter(({ status }) => status === 'active');
  const methods = await methodsById(trx, [...new Set(schedules.map(({ methodId }) => methodId))]);
  const charges: Charge[] = [];
  const skipped: SkippedPeriod[] = [];
  const changed: Schedule[] = [];
  const audit: AuditEntry[] = [];
  const left: string[] = [];
  for (const schedule of schedules) {
    const room = PERIODS_PER_TRX - charges.length - skipped.length;
    const { bill, skip, next } = duePeriods(schedule, asOfMs, catchUp, room);
    if (next !== null && next.dueAtMs <= asOfMs) left.push(schedule.id);
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
      const period = { scheduleId: schedule.id, period: occurrence.period, dueAt: occurrence.dueAtMs, reason, runId };
      skipped.push(period);
      audit.push(skippedEntry(schedule, period));
    }
    const status = next === null ? 'completed' : schedule.status;
    const after: Schedule = { ...schedule, next, status, version: schedule.version + 1, updatedAt: nowMs };
    changed.push(after);
    if (status === 'completed') audit.push(completedEntry(schedule, after));
  }
  const existing = await existingChargeIds(
    trx,
    charges.map(({ id }) => id),
  );
  const fresh = charges.filter(({ id }) => !existing.has(id));
  for (const chunk of chunks(fresh)) await writePendingCharges(trx, context, chunk);
  for (const chunk of chunks(skipped)) await insertSkippedPeriods(trx, chunk, nowMs);
  await updateSchedules(trx, changed);
  for (const chunk of chunks(audit)) await appendAudit(trx, context.author, nowMs, chunk);
  return { chargeIds: fresh.map(({ id }) => id), skipped: skipped.length, left };
}

/** The one charge id that this period can have: its due time, then an HMAC keyed by the book's id. */
export function periodChargeId(bookId: string, scheduleId: string, period: string, dueAtMs: number): string {
  return derivedId('charge', dueAtMs, bookId, scheduleId, period);
}
