// Cancelling a schedule: it ends first, so that no run makes another period's charge; then its charges that wait are
// cancelled, each of them at its provider before in the book.
import { appendAudit } from '../audit/audit.ts';
import { cancelCharge, cancelIfUnpaid } from '../charges/cancel.ts';
import { type Charge, type ChargeStatus, IN_FLIGHT } from '../charges/charge.ts';
import { chargePage } from '../charges/charge-lists-store.ts';
import type { ChargesContext } from '../charges/context.ts';
import type { Pipeline } from '../charges/pipeline.ts';
import { BursarError } from '../errors.ts';
import { writeTrx } from '../storage/trx.ts';
import { scheduleMissing } from './operations.ts';
import type { Schedule } from './schedule.ts';
import { scheduleSubject } from './schedule-audit.ts';
import { schedulesById, updateSchedules } from './schedules-store.ts';

/** Not sent yet, or to be tried again. */
const WAITING: readonly ChargeStatus[] = ['pending', 'failed'];

/** Charges of a schedule that may still be collected: those that wait, and those under way. */
export async function openCharges(
  { book }: ChargesContext,
  scheduleId: string,
): Promise<{ waiting: Charge[]; underWay: Charge[] }> {
  const of = (statuses: readonly ChargeStatus[]): Promise<Charge[]> =>
    chargePage(book.reader, { scheduleId, statuses }, Number.MAX_SAFE_INTEGER);
  return { waiting: await of(WAITING), underWay: await of(IN_FLIGHT) };
}

export interface CancelledSchedule {
  schedule: Schedule;
  /** The charges that waited, as they stand now: cancelled, or captured where the provider says so. */
  charges: Charge[];
  /** Still open: under way, or left due because that was asked for. */
  open: Charge[];
  /** Charges that could not be cancelled. A refusal of one holds none of the others back. */
  refused: { id: string; error: BursarError }[];
}

/**
 * Ends a schedule, and unless `keepOpen` cancels its charges that wait, and has those under way cancelled should they
 * turn out unpaid. Going on where an earlier cancelling was cut off is allowed; with nothing left to do it refuses
 * (`invalid_state`).
 */
export async function cancelSchedule(
  pipeline: Pipeline,
  scheduleId: string,
  options: { keepOpen: boolean; reason: string | null },
): Promise<CancelledSchedule> {
  const { context } = pipeline;
  const { keepOpen, reason } = options;
  const before = await openCharges(context, scheduleId);
  const isWorkLeft = !keepOpen && before.waiting.length + before.underWay.length > 0;
  const schedule = await endSchedule(context, scheduleId, { reason, isWorkLeft });
  // Read again: a run may have made a charge just before the schedule ended.
  const { waiting, underWay } = await openCharges(context, scheduleId);
  if (keepOpen) return { schedule, charges: [], open: [...waiting, ...underWay], refused: [] };
  const charges: Charge[] = [];
  const errors = new Map<string, BursarError>();
  for (const { id } of waiting) {
    try {
      charges.push(await cancelCharge(pipeline, id, reason));
    } catch (error) {
      if (!(error instanceof BursarError)) throw error;
      errors.set(id, error);
    }
  }
  // A run may have sent one of them meanwhile, or the provider have it as settling: then it is under way.
  const mayBe = [...charges, ...underWay].filter(({ status }) => IN_FLIGHT.includes(status)).map(({ id }) => id);
  const open = await cancelIfUnpaid(context, [...errors.keys(), ...mayBe], reason);
  for (const { id } of open) errors.delete(id);
  const ended = charges.filter(({ id }) => !open.some((charge) => charge.id === id));
  return { schedule, charges: ended, open, refused: [...errors].map(([id, error]) => ({ id, error })) };
}

function endSchedule(
  { book, author, clock }: ChargesContext,
  scheduleId: string,
  { reason, isWorkLeft }: { reason: string | null; isWorkLeft: boolean },
): Promise<Schedule> {
  return writeTrx(book, async (trx) => {
    const schedule = (await schedulesById(trx, [scheduleId])).get(scheduleId);
    if (schedule === undefined) throw scheduleMissing(scheduleId);
    const hasEnded = schedule.status === 'cancelled' || schedule.status === 'completed';
    if (hasEnded && !isWorkLeft) throw nothingToCancel(schedule);
    if (schedule.status === 'cancelled') return schedule;
    const nowMs = clock.nowMs();
    const next: Schedule = { ...schedule, status: 'cancelled', version: schedule.version + 1, updatedAt: nowMs };
    await updateSchedules(trx, [next]);
    const states = { before: { status: schedule.status }, after: { status: next.status } };
    await appendAudit(trx, author, nowMs, [
      { ...scheduleSubject(next), action: 'schedule.cancel', ...states, result: 'cancelled', reason },
    ]);
    return next;
  });
}

function nothingToCancel({ id, status }: Schedule): BursarError {
  return new BursarError(
    'invalid_state',
    `Schedule ${id} is ${status} already, with no charge to cancel. Nothing was changed.`,
    {
      hint: `Look at it with: bursar schedules show ${id}`,
    },
  );
}
