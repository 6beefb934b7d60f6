// What an operator does to a schedule: create, preview, find. Cancelling stands in cancel.ts.

import { Temporal } from 'temporal-polyfill';
import { appendAudit } from '../audit/audit.ts';
import type { ChargesContext } from '../charges/context.ts';
import { requestHash } from '../charges/new-charge.ts';
import { keyReused, unusableMethod } from '../charges/refusals.ts';
import type { PaymentMethod } from '../customers/customer.ts';
import { methodsById } from '../customers/methods-store.ts';
import { BursarError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Db } from '../storage/db.ts';
import { writeTrx } from '../storage/trx.ts';
import { formatEvery } from './calendar-input.ts';
import { type Occurrence, occurrence, occurrencesFrom, type Recurrence } from './recurrence.ts';
import type { Schedule } from './schedule.ts';
import { createdEntries } from './schedule-audit.ts';
import { insertSchedules, scheduleByIdempotencyKey, schedulesById } from './schedules-store.ts';

export interface CreateSchedule {
  customerId: string;
  methodId: string;
  amountMinor: bigint;
  currency: string;
  /** Without a start: today in the schedule's zone. */
  recurrence: Omit<Recurrence, 'start'> & { start: string | null };
  policy: string;
  description: string | null;
  metadata: Record<string, string>;
  idempotencyKey: string | null;
}

/**
 * What `createSchedule` would answer, with nothing written. Refuses a method that is gone, blocked or another's, an
 * unknown policy, and what the method's gateway could never charge.
 */
export async function planSchedule(
  context: ChargesContext,
  request: CreateSchedule,
): Promise<{ schedule: Schedule; replayed: boolean }> {
  const earlier = await earlierSchedule(context.book.reader, request);
  if (earlier !== null) return { schedule: earlier, replayed: true };
  const schedule = newSchedule(context, request);
  context.policy(schedule.policy);
  await assertChargeable(context, schedule);
  return { schedule, replayed: false };
}

/** Writes a planned schedule. The same key with the same values answers with the schedule of the first time. */
export async function createSchedule(
  context: ChargesContext,
  request: CreateSchedule,
): Promise<{ schedule: Schedule; replayed: boolean }> {
  const planned = await planSchedule(context, request);
  if (planned.replayed) return planned;
  return writeTrx(context.book, async (trx) => {
    // Once more under the writer's lock: another process may have used the key, or removed the method.
    const earlier = await earlierSchedule(trx, request);
    if (earlier !== null) return { schedule: earlier, replayed: true };
    const { schedule } = planned;
    await usableMethod(trx, schedule);
    await insertSchedules(trx, [schedule]);
    await appendAudit(trx, context.author, schedule.createdAt, await createdEntries(trx, [schedule]));
    return { schedule, replayed: false };
  });
}

async function earlierSchedule(db: Db, request: CreateSchedule): Promise<Schedule | null> {
  if (request.idempotencyKey === null) return null;
  const earlier = await scheduleByIdempotencyKey(db, request.idempotencyKey);
  if (earlier !== null && earlier.requestHash !== hashOf(request)) throw keyReused(request.idempotencyKey, earlier.id);
  return earlier;
}

// Over what was asked for: a start that was left out is no part of it, so that tomorrow's repetition is still the same.
function hashOf({ recurrence, amountMinor, idempotencyKey: _, ...rest }: CreateSchedule): string {
  const every = recurrence.every === null ? null : formatEvery(recurrence.every);
  return requestHash({ ...rest, ...recurrence, every, amountMinor: amountMinor.toString() });
}

function newSchedule(context: ChargesContext, request: CreateSchedule): Schedule {
  const nowMs = context.clock.nowMs();
  const recurrence = {
    ...request.recurrence,
    start: request.recurrence.start ?? today(request.recurrence.timezone, nowMs),
  };
  const first = occurrence(recurrence, 0);
  if (first === null) {
    throw new BursarError(
      'invalid_time',
      `No period begins on or after ${recurrence.start}. No schedule was created.`,
      {
        hint: 'Choose an earlier start.',
      },
    );
  }
  return {
    ...request,
    id: newId('schedule', nowMs),
    recurrence,
    status: 'active',
    requestHash: request.idempotencyKey === null ? null : hashOf(request),
    paidThrough: null,
    next: first,
    version: 1,
    createdAt: nowMs,
    updatedAt: nowMs,
  };
}

/** The date on the zone's calendars, `YYYY-MM-DD`. */
export function today(timezone: string, nowMs: number): string {
  return Temporal.Instant.fromEpochMilliseconds(nowMs).toZonedDateTimeISO(timezone).toPlainDate().toString();
}

/** The schedule's method, which is the customer's and may be charged. */
async function usableMethod(db: Db, { customerId, methodId }: Schedule): Promise<PaymentMethod> {
  const method = (await methodsById(db, [methodId])).get(methodId);
  if (method === undefined || method.removedAt !== null || method.customerId !== customerId) {
    throw new BursarError(
      'invalid_state',
      `Customer ${customerId} has no payment method ${methodId}. No schedule was created.`,
      { hint: `See what there is: bursar methods list --customer ${customerId}` },
    );
  }
  const unusable = unusableMethod(method);
  if (unusable !== null) throw unusable;
  return method;
}

async function assertChargeable(context: ChargesContext, schedule: Schedule): Promise<void> {
  const method = await usableMethod(context.book.reader, schedule);
  const gateway = await context.gateway(method.gateway);
  gateway.prepare({
    operation: 'sale',
    chargeId: newId('charge', schedule.createdAt),
    attemptId: newId('attempt', schedule.createdAt),
    token: method.token,
    amountMinor: schedule.amountMinor,
    currency: schedule.currency,
    description: schedule.description,
    objectId: null,
    objectGeneration: 0,
  });
}

/**
 * The next periods that a schedule waits for, at most `count`; none when it is cancelled or completed. `passedOver`: how
 * many a run would skip before it bills one.
 */
export function previewSchedule(schedule: Schedule, count: number, passedOver = 0): Occurrence[] {
  const { next, status, recurrence } = schedule;
  if (next === null || status === 'cancelled' || status === 'completed') return [];
  const periods: Occurrence[] = [];
  for (const period of occurrencesFrom(recurrence, next.index + passedOver)) {
    if (periods.length === count) break;
    periods.push(period);
  }
  return periods;
}

/** BursarError(`not_found`) for an id that no schedule has. */
export function scheduleMissing(id: string): BursarError {
  return new BursarError('not_found', `There is no schedule ${id}. Nothing was done.`, {
    hint: 'See what there is: bursar schedules list --all',
  });
}

/** A schedule that exists, for commands; BursarError(`not_found`). */
export async function findSchedule({ book }: ChargesContext, id: string): Promise<Schedule> {
  const schedule = (await schedulesById(book.reader, [id])).get(id);
  if (schedule === undefined) throw scheduleMissing(id);
  return schedule;
}
