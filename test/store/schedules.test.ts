// Creating, previewing and cancelling schedules: what stands in the book afterwards, and what is never collected.
import { afterEach, expect, test } from 'vitest';
import { decryptPersonal } from '../../src/audit/personal.ts';
import { personalKeys } from '../../src/customers/customers-store.ts';
import { blockMethods, markRemoved } from '../../src/customers/methods-store.ts';
import type { Gateway } from '../../src/gateways/gateway.ts';
import { cancelSchedule } from '../../src/schedules/cancel.ts';
import { createSchedule, findSchedule, planSchedule, previewSchedule } from '../../src/schedules/operations.ts';
import { countSchedules } from '../../src/schedules/schedules-store.ts';
import { select } from '../../src/storage/batch.ts';
import { type SchedulesBook, schedulesBook } from '../support/schedules-book.ts';

const DAY_MS = 86_400_000;
const ALL = { keepOpen: false, reason: null };
const open: SchedulesBook[] = [];

async function newBook(wrap?: (gateway: Gateway) => Gateway): Promise<SchedulesBook> {
  const book = await schedulesBook(wrap);
  open.push(book);
  return book;
}

afterEach(async () => {
  for (const book of open.splice(0)) await book.close();
});

interface AuditRow {
  action: string;
  after: string | null;
  result: string;
  reason: string | null;
}

function auditOf({ book }: SchedulesBook, subject: string): Promise<AuditRow[]> {
  return select(
    book.reader,
    'SELECT action, after, result, reason FROM audit_rows WHERE subject = ? ORDER BY sequence',
    [subject],
  );
}

test('a new schedule waits for the first matching day on or after its start', async () => {
  const book = await newBook();
  const schedule = await book.schedule('tok_approved');
  expect(await findSchedule(book.pipeline.context, schedule.id)).toEqual(schedule);
  expect(schedule).toMatchObject({
    status: 'active',
    next: { index: 0, period: '2026-01-31', dueAtMs: Date.UTC(2026, 0, 31, 9) },
  });
});

test('what a person wrote about it is encrypted in the audit log', async () => {
  const book = await newBook();
  const written = { description: 'for Ada', metadata: { room: '12' } };
  const { id } = await book.schedule('tok_approved', written);
  const [row, ...more] = await auditOf(book, id);
  expect([row?.action, row?.result, more]).toEqual(['schedule.create', 'created', []]);
  const after = JSON.parse(row?.after ?? '{}');
  expect(after).toMatchObject({ every: '1 month', on: '31', timezone: 'UTC', nextPeriod: '2026-01-31' });
  expect(row?.after).not.toContain('Ada');
  expect(row?.after).not.toContain('room');
  const key = (await personalKeys(book.book.reader, [book.customerId])).get(book.customerId) ?? '';
  expect(decryptPersonal(key, after.description)).toBe('for Ada');
  expect(JSON.parse(decryptPersonal(key, after.metadata))).toEqual({ room: '12' });
});

test('without a start it begins today in its own zone', async () => {
  const book = await newBook();
  const { recurrence } = book.asked('');
  // 12:00 UTC is the next day already on Kiritimati.
  const kiritimati = { ...recurrence, on: null, start: null, timezone: 'Pacific/Kiritimati' };
  const schedule = await book.schedule('tok_approved', { recurrence: kiritimati });
  expect(schedule.recurrence.start).toBe('2026-01-16');
  expect(schedule.next?.period).toBe('2026-01-16');
});

test('the same key with the same values answers with the same schedule, tomorrow too', async () => {
  const book = await newBook();
  const { context } = book.pipeline;
  const { recurrence } = book.asked('');
  const request = book.asked(await book.method('tok_approved'), {
    idempotencyKey: 'gold-1',
    recurrence: { ...recurrence, start: null },
  });
  const first = await createSchedule(context, request);
  book.clock.advance(DAY_MS);
  const again = await createSchedule(context, request);
  expect([first.replayed, again.replayed, again.schedule]).toEqual([false, true, first.schedule]);
  expect(await planSchedule(context, request)).toEqual({ schedule: first.schedule, replayed: true });
  expect(await countSchedules(book.book.reader, {})).toBe(1);
});

test.each([
  ['amount', { amountMinor: 2001n }],
  ['currency', { currency: 'EUR' }],
  ['policy', { policy: 'none' }],
  ['description', { description: 'x' }],
  ['metadata', { metadata: { a: 'b' } }],
])('the same key with another %s is refused', async (_, changes) => {
  const book = await newBook();
  const request = book.asked(await book.method('tok_approved'), { idempotencyKey: 'gold-1' });
  await createSchedule(book.pipeline.context, request);
  const other = createSchedule(book.pipeline.context, { ...request, ...changes });
  await expect(other).rejects.toMatchObject({ code: 'idempotency_conflict' });
  expect(await countSchedules(book.book.reader, {})).toBe(1);
});

test.each(['every', 'on', 'start', 'time', 'timezone'] as const)(
  'the same key with another %s is refused',
  async (name) => {
    const book = await newBook();
    const request = book.asked(await book.method('tok_approved'), { idempotencyKey: 'gold-1' });
    await createSchedule(book.pipeline.context, request);
    const others = {
      every: { count: 2, unit: 'month' },
      on: '30',
      start: '2026-02-01',
      time: '10:00',
      timezone: 'Asia/Tokyo',
    };
    const recurrence = { ...request.recurrence, [name]: others[name] };
    const other = createSchedule(book.pipeline.context, { ...request, recurrence });
    await expect(other).rejects.toMatchObject({ code: 'idempotency_conflict' });
  },
);

test('two processes that use a key at once make one schedule', async () => {
  const book = await newBook();
  const request = book.asked(await book.method('tok_approved'), { idempotencyKey: 'gold-1' });
  const both = await Promise.all(
    [book.pipeline, book.another()].map(({ context }) => createSchedule(context, request)),
  );
  expect(new Set(both.map(({ schedule }) => schedule.id)).size).toBe(1);
  expect(both.map(({ replayed }) => replayed).sort()).toEqual([false, true]);
});

test('a method that is removed, blocked or unknown, and an unknown policy, are refused', async () => {
  const book = await newBook();
  const { context } = book.pipeline;
  const [removed, blocked, good] = [await book.method('a'), await book.method('b'), await book.method('tok_approved')];
  await markRemoved(book.book.db, removed, book.clock.nowMs());
  await blockMethods(book.book.db, [{ methodId: blocked, code: 'lost_card' }], book.clock.nowMs());
  const refusal = (request = book.asked(good)) => createSchedule(context, request).catch(({ code }) => code);
  expect(await refusal(book.asked(removed))).toBe('invalid_state');
  expect(await refusal(book.asked('pm_of_nobody'))).toBe('invalid_state');
  expect(await refusal(book.asked(blocked))).toBe('method_blocked');
  expect(await refusal(book.asked(good, { policy: 'hope' }))).toBe('invalid_value');
  expect(await refusal(book.asked(good, { customerId: 'cus_other' }))).toBe('invalid_state');
  expect(await countSchedules(book.book.reader, {})).toBe(0);
});

test('a preview goes on where billing stands, and is empty after the end', async () => {
  const book = await newBook();
  const schedule = await book.schedule('tok_approved');
  await book.billAt('2026-02-01T00:00:00Z');
  const billed = await findSchedule(book.pipeline.context, schedule.id);
  const periods = (count: number, passedOver?: number): string[] =>
    previewSchedule(billed, count, passedOver).map(({ period }) => period);
  expect(periods(3)).toEqual(['2026-02-28', '2026-03-31', '2026-04-30']);
  expect(periods(1, 2)).toEqual(['2026-04-30']);
  const { schedule: cancelled } = await cancelSchedule(book.pipeline, schedule.id, ALL);
  expect(previewSchedule(cancelled, 3)).toEqual([]);
});

test('cancelling ends the schedule and its failed charge; nothing is collected any more', async () => {
  const book = await newBook();
  const schedule = await book.schedule('tok_insufficient_funds');
  await book.billAt('2026-02-01T00:00:00Z');
  const result = await cancelSchedule(book.pipeline, schedule.id, { keepOpen: false, reason: 'moved away' });
  expect(result.schedule.status).toBe('cancelled');
  expect(result.charges.map(({ status, retryAt }) => [status, retryAt])).toEqual([['cancelled', null]]);
  expect([result.open, result.refused]).toEqual([[], []]);
  expect((await auditOf(book, schedule.id)).at(-1)).toMatchObject({ action: 'schedule.cancel', reason: 'moved away' });
  await book.billAt('2026-04-15T00:00:00Z');
  expect((await book.chargesOf(schedule)).map(({ status, attemptCount }) => [status, attemptCount])).toEqual([
    ['cancelled', 1],
  ]);
});

test('with keepOpen the failed charge stays due, and can be cancelled afterwards', async () => {
  const book = await newBook();
  const schedule = await book.schedule('tok_insufficient_funds');
  await book.billAt('2026-02-01T00:00:00Z');
  const kept = await cancelSchedule(book.pipeline, schedule.id, { keepOpen: true, reason: null });
  expect(kept.open.map(({ status }) => status)).toEqual(['failed']);
  await book.billAt('2026-02-10T00:00:00Z');
  expect((await book.chargesOf(schedule)).map(({ attemptCount }) => attemptCount)).toEqual([2]);
  const again = await cancelSchedule(book.pipeline, schedule.id, ALL);
  expect(again.charges.map(({ status }) => status)).toEqual(['cancelled']);
  await expect(cancelSchedule(book.pipeline, schedule.id, ALL)).rejects.toMatchObject({ code: 'invalid_state' });
});

test('a charge with an unknown outcome is cancelled once it turns out unpaid', async () => {
  const book = await newBook();
  const schedule = await book.schedule('tok_timeout_before');
  await book.billAt('2026-02-01T00:00:00Z');
  const result = await cancelSchedule(book.pipeline, schedule.id, ALL);
  expect(result.open.map(({ status }) => status)).toEqual(['unknown']);
  await book.billAt('2026-03-15T00:00:00Z');
  expect((await book.chargesOf(schedule)).map(({ status, attemptCount }) => [status, attemptCount])).toEqual([
    ['cancelled', 1],
  ]);
  expect(await book.executed()).toEqual([]);
});

test('with keepOpen a charge with an unknown outcome that turns out unpaid is tried again', async () => {
  const book = await newBook();
  const schedule = await book.schedule('tok_timeout_before');
  await book.billAt('2026-02-01T00:00:00Z');
  await cancelSchedule(book.pipeline, schedule.id, { keepOpen: true, reason: null });
  await book.billAt('2026-03-15T00:00:00Z');
  const [charge] = await book.chargesOf(schedule);
  expect(charge?.status).not.toBe('cancelled');
});

test('a charge with an unknown outcome that turns out paid is captured', async () => {
  const book = await newBook();
  const schedule = await book.schedule('tok_timeout_after_charging');
  await book.billAt('2026-02-01T00:00:00Z');
  await cancelSchedule(book.pipeline, schedule.id, ALL);
  await book.billAt('2026-03-15T00:00:00Z');
  expect((await book.chargesOf(schedule)).map(({ status }) => status)).toEqual(['captured']);
});

test('a charge that cannot be cancelled holds none of the others back, and cancelling again goes on', async () => {
  let isDown = true;
  const book = await newBook((gateway) => ({
    ...gateway,
    cancel: async (request, signal) => {
      if (!isDown) return gateway.cancel(request, signal);
      isDown = false;
      return { kind: 'unavailable', reason: 'down' };
    },
  }));
  const schedule = await book.schedule('tok_insufficient_funds');
  await book.billAt('2026-03-01T00:00:00Z');
  const result = await cancelSchedule(book.pipeline, schedule.id, ALL);
  expect(result.charges.map(({ status }) => status)).toEqual(['cancelled']);
  expect(result.refused.map(({ error }) => error.code)).toEqual(['gateway_unreachable']);
  const again = await cancelSchedule(book.pipeline, schedule.id, ALL);
  expect([again.charges.map(({ id }) => id), again.refused]).toEqual([result.refused.map(({ id }) => id), []]);
});

test('a delayed charge is billed once, and then its schedule is completed', async () => {
  const book = await newBook();
  const at = { every: null, on: null, time: '09:00', start: '2026-02-01', at: '2026-02-01T09:00', timezone: 'UTC' };
  const schedule = await book.schedule('tok_approved', { recurrence: at });
  for (const time of ['2026-02-02T00:00:00Z', '2026-03-02T00:00:00Z']) await book.billAt(time);
  expect((await findSchedule(book.pipeline.context, schedule.id)).status).toBe('completed');
  expect((await book.chargesOf(schedule)).map(({ status }) => status)).toEqual(['captured']);
  await expect(cancelSchedule(book.pipeline, schedule.id, ALL)).rejects.toMatchObject({ code: 'invalid_state' });
});

test('a schedule that is not there is not found', async () => {
  const book = await newBook();
  await expect(cancelSchedule(book.pipeline, 'sch_none', ALL)).rejects.toMatchObject({ code: 'not_found' });
  await expect(findSchedule(book.pipeline.context, 'sch_none')).rejects.toMatchObject({ code: 'not_found' });
});
