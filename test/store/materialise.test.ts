// Due periods become charges: in bounded steps, each of them whole, and with an audit row for all that changes.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { materialise } from '../../src/billing/materialise.ts';
import type { CatchUp } from '../../src/billing/periods.ts';
import { findSchedule } from '../../src/schedules/operations.ts';
import type { Recurrence } from '../../src/schedules/recurrence.ts';
import { skippedPeriods } from '../../src/schedules/schedules-store.ts';
import { select } from '../../src/storage/batch.ts';
import { openBook } from '../../src/storage/open.ts';
import { type SchedulesBook, schedulesBook } from '../support/schedules-book.ts';

const DAILY: Recurrence = {
  every: { count: 1, unit: 'day' },
  on: null,
  time: '09:00',
  start: '1990-01-01',
  at: null,
  timezone: 'UTC',
};
/** 520 periods later; the last 36 are within the window. */
const AS_OF = '1991-06-04T09:00:00Z';
const PERIODS = 520;
const MOST_PER_TRX = 2000;

let book: SchedulesBook;
beforeEach(async () => {
  book = await schedulesBook();
});
afterEach(() => book.close());

async function run(asOf: string, catchUp: CatchUp = { mode: 'all' }, stopped = () => false) {
  const sum = { charges: 0, skipped: 0 };
  const work = { asOfMs: Date.parse(asOf), catchUp, runId: 'run_1', stopped };
  for await (const { chargeIds, skipped } of materialise(book.pipeline.context, work)) {
    sum.charges += chargeIds.length;
    sum.skipped += skipped;
  }
  return sum;
}

async function count(table: string, where = '1'): Promise<number> {
  const [row] = await select<{ n: number }>(book.book.reader, `SELECT COUNT(*) AS n FROM ${table} WHERE ${where}`);
  return row?.n ?? 0;
}

async function twentyOld(): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < 20; n += 1) ids.push((await book.schedule('tok_approved', { recurrence: DAILY })).id);
  return ids;
}

test('schedules that begin long ago are worked off in steps; a stop in between loses and repeats nothing', async () => {
  const ids = await twentyOld();
  let asked = 0;
  const first = await run(AS_OF, { mode: 'all' }, () => ++asked > 1);
  const written = (await count('skipped_periods')) + (await count('charges'));
  expect(written).toBe(MOST_PER_TRX);
  expect(first.charges + first.skipped).toBe(written);

  const rest = await run(AS_OF);
  expect([first.charges + rest.charges, first.skipped + rest.skipped]).toEqual([20 * 36, 20 * (PERIODS - 36)]);
  expect([await count('charges'), await count('skipped_periods')]).toEqual([20 * 36, 20 * (PERIODS - 36)]);
  expect(await count('audit_rows', `action = 'period.skip'`)).toBe(20 * (PERIODS - 36));
  for (const id of ids) {
    const { next, version } = await findSchedule(book.pipeline.context, id);
    expect(next?.period).toBe('1991-06-05');
    expect(version).toBeLessThanOrEqual(3);
  }
  expect(await run(AS_OF)).toEqual({ charges: 0, skipped: 0 });
});

test('however many steps it takes, only the newest period of each is billed under latest', async () => {
  await twentyOld();
  expect(await run(AS_OF, { mode: 'latest' })).toEqual({ charges: 20, skipped: 20 * (PERIODS - 1) });
  const periods = await select<{ period: string }>(book.book.reader, 'SELECT DISTINCT period FROM charges');
  expect(periods).toEqual([{ period: '1991-06-04' }]);
});

test('a period that is passed over, and the end of a schedule, are in the audit log', async () => {
  const recurrence = { ...DAILY, every: null, at: '2025-01-02T09:00' };
  const { id } = await book.schedule('tok_approved', { recurrence });
  await run('2026-01-15T12:00:00Z');
  expect((await findSchedule(book.pipeline.context, id)).status).toBe('completed');
  const [skipped] = await skippedPeriods(book.book.reader, id);
  const rows = await select<Record<string, string>>(
    book.book.reader,
    `SELECT * FROM audit_rows WHERE subject = ? AND action <> 'schedule.create' ORDER BY sequence`,
    [id],
  );
  const about = { customer_id: book.customerId, currency: 'USD', amount_minor: 2000, actor: 'tester' };
  expect(rows).toMatchObject([
    { ...about, action: 'period.skip', result: 'skipped', reason: skipped?.reason, status: 'active' },
    { ...about, action: 'schedule.complete', result: 'completed', reason: null, status: 'completed' },
  ]);
  expect(rows.map(({ before, after }) => [before, after].map((text) => JSON.parse(text ?? 'null')))).toEqual([
    [null, { period: '2025-01-02', dueAt: '2025-01-02T09:00:00.000Z', runId: 'run_1' }],
    [{ status: 'active' }, { status: 'completed' }],
  ]);
});

test('a schedule that ends with a billed period is completed in the audit log too', async () => {
  const recurrence = { ...DAILY, every: null, at: '2026-01-15T09:00' };
  const { id } = await book.schedule('tok_approved', { recurrence });
  expect(await run('2026-01-15T12:00:00Z')).toEqual({ charges: 1, skipped: 0 });
  expect(await count('audit_rows', `action = 'schedule.complete' AND subject = '${id}'`)).toBe(1);
  expect(await count('audit_rows', `action = 'period.skip'`)).toBe(0);
});

test('a copy of the book makes the same charges of the same periods', async () => {
  await book.schedule('tok_approved');
  const path = `${book.book.where}.copy`;
  await book.book.db.raw('VACUUM INTO ?', [path]);
  const copy = await openBook(path);
  try {
    const options = { asOfMs: Date.parse('2026-03-31T12:00:00Z'), catchUp: { mode: 'all' }, runId: 'run_1' } as const;
    const ids: string[][] = [];
    for (const each of [book.book, copy]) {
      const made = materialise({ ...book.pipeline.context, book: each }, { ...options, stopped: () => false });
      for await (const { chargeIds } of made) expect(chargeIds.length).toBeGreaterThan(0);
      ids.push((await select<{ id: string }>(each.reader, 'SELECT id FROM charges ORDER BY id')).map(({ id }) => id));
    }
    expect(ids[0]?.length).toBeGreaterThan(1);
    expect(ids[1]).toEqual(ids[0]);
  } finally {
    await copy.close();
  }
});
