// A book whose schedules are created, billed and cancelled by the real operations.

import type { Charge } from '../../src/charges/charge.ts';
import { chargePage } from '../../src/charges/charge-lists-store.ts';
import type { Gateway } from '../../src/gateways/gateway.ts';
import { type CreateSchedule, createSchedule } from '../../src/schedules/operations.ts';
import type { Schedule } from '../../src/schedules/schedule.ts';
import { billingRun } from './billing-run.ts';
import { type ChargesBook, chargesBook } from './charges-book.ts';

export interface SchedulesBook extends ChargesBook {
  /** 20.00 USD each month on the 31st from 2026-01-31, 09:00 UTC, with whatever is asked for instead. */
  asked(methodId: string, changes?: Partial<CreateSchedule>): CreateSchedule;
  schedule(token: string, changes?: Partial<CreateSchedule>): Promise<Schedule>;
  /** Moves the clock to `time` and bills what is due then. */
  billAt(time: string): Promise<void>;
  chargesOf(schedule: Schedule): Promise<Charge[]>;
}

export async function schedulesBook(wrap?: (gateway: Gateway) => Gateway): Promise<SchedulesBook> {
  const book = await chargesBook(wrap);
  const { pipeline, clock } = book;
  const asked: SchedulesBook['asked'] = (methodId, changes = {}) => ({
    customerId: book.customerId,
    methodId,
    amountMinor: 2000n,
    currency: 'USD',
    recurrence: {
      every: { count: 1, unit: 'month' },
      on: '31',
      time: '09:00',
      start: '2026-01-31',
      at: null,
      timezone: 'UTC',
    },
    policy: 'standard',
    description: null,
    metadata: {},
    idempotencyKey: null,
    ...changes,
  });
  return {
    ...book,
    asked,
    schedule: async (token, changes) =>
      (await createSchedule(pipeline.context, asked(await book.method(token), changes))).schedule,
    billAt: async (time) => {
      clock.advance(Date.parse(time) - clock.nowMs());
      const { error } = await billingRun(pipeline, clock.nowMs());
      if (error !== null) throw error;
    },
    chargesOf: (schedule) => chargePage(book.book.reader, { scheduleId: schedule.id }, 100),
  };
}
