// What a run counts before it begins, grouped where schedules are alike, is what one schedule after the other comes to.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dueTotalsOfSchedules } from '../../src/billing/materialise.ts';
import { type CatchUp, countDuePeriods } from '../../src/billing/periods.ts';
import { addTotals } from '../../src/billing/run.ts';
import { newId } from '../../src/ids.ts';
import { occurrence, type Recurrence } from '../../src/schedules/recurrence.ts';
import type { Schedule } from '../../src/schedules/schedule.ts';
import { insertSchedules } from '../../src/schedules/schedules-store.ts';
import { writeTrx } from '../../src/storage/trx.ts';
import { type SchedulesBook, schedulesBook } from '../support/schedules-book.ts';

let book: SchedulesBook;
beforeAll(async () => {
  book = await schedulesBook();
});
afterAll(() => book.close());

const AS_OF = Date.parse('2026-03-29T01:30:00Z');

/** Few values each, so that many schedules are alike in some of it. */
const recurrence: fc.Arbitrary<Recurrence> = fc
  .record({
    unit: fc.constantFrom('day', 'week', 'month', 'year'),
    count: fc.constantFrom(1, 2),
    start: fc.constantFrom('2024-02-29', '2026-01-31', '2026-03-27', '2026-03-28', '2026-03-29'),
    time: fc.constantFrom('00:00', '02:30', '23:59'),
    timezone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Pacific/Apia'),
    isOnce: fc.boolean(),
  })
  .map(({ unit, count, start, time, timezone, isOnce }) =>
    isOnce
      ? { every: null, on: null, time, start, at: `${start}T${time}`, timezone }
      : { every: { count, unit }, on: null, time, start, at: null, timezone },
  );

const catchUp: fc.Arbitrary<CatchUp> = fc.oneof(
  fc.constantFrom<CatchUp>({ mode: 'all' }, { mode: 'latest' }, { mode: 'skip' }),
  fc.integer({ min: 1, max: 4 }).map((periods) => ({ mode: 'max' as const, periods })),
);

const drawn = fc.record({
  recurrence,
  index: fc.nat(3),
  currency: fc.constantFrom('USD', 'EUR'),
  amountMinor: fc.bigInt({ min: 1n, max: 10n ** 15n }),
  status: fc.constantFrom('active' as const, 'active' as const, 'active' as const, 'cancelled' as const),
});

test('equals the plain count', async () => {
  const first = await book.schedule('tok_approved');
  await fc.assert(
    fc.asyncProperty(fc.array(drawn, { maxLength: 60 }), catchUp, async (rows, mode) => {
      const schedules = rows.map(({ index, ...row }): Schedule => {
        const next = row.recurrence.at === null ? occurrence(row.recurrence, index) : occurrence(row.recurrence, 0);
        return { ...first, ...row, next, id: newId('schedule', AS_OF) };
      });
      await writeTrx(book.book, async (trx) => {
        await trx.raw('DELETE FROM schedules');
        await insertSchedules(trx, schedules);
      });
      let skipped = 0;
      const lines = schedules.flatMap((schedule) => {
        if (schedule.status !== 'active' || schedule.next === null || schedule.next.dueAtMs > AS_OF) return [];
        const { bill, skip } = countDuePeriods(schedule, AS_OF, mode);
        skipped += skip;
        return { currency: schedule.currency, count: bill, amountMinor: schedule.amountMinor * BigInt(bill) };
      });
      const plain = { totals: addTotals(lines.filter(({ count }) => count > 0)), skipped };
      expect(await dueTotalsOfSchedules(book.book.reader, AS_OF, mode)).toEqual(plain);
    }),
    { numRuns: 60 },
  );
});
