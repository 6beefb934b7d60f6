// A run makes charges of what is due, collects them and seals its rows at the same time: bounded, in any order, with
// another run at it too, and with a stop in the middle.
import { afterEach, expect, test } from 'vitest';
import { sealPending } from '../../src/audit/seal.ts';
import { Sealing } from '../../src/audit/sealing.ts';
import { verifyAudit } from '../../src/audit/verify.ts';
import { executeRun } from '../../src/billing/execute-run.ts';
import { materialise } from '../../src/billing/materialise.ts';
import type { RunOptions, RunResult } from '../../src/billing/preview-run.ts';
import type { Pipeline } from '../../src/charges/pipeline.ts';
import type { Gateway } from '../../src/gateways/gateway.ts';
import { newId } from '../../src/ids.ts';
import { insertSchedules } from '../../src/schedules/schedules-store.ts';
import { chunks, select } from '../../src/storage/batch.ts';
import { writeTrx } from '../../src/storage/trx.ts';
import { type SchedulesBook, schedulesBook } from '../support/schedules-book.ts';

/** The one period of each is due. */
const AS_OF = Date.parse('2026-01-31T12:00:00Z');

/** Thousands of charges, on a machine that may be busy. */
const LONG = { timeout: 120_000 };

let book: SchedulesBook;
afterEach(() => book.close());

/** So many schedules that are alike. */
async function schedules(count: number): Promise<void> {
  const first = await book.schedule('tok_approved');
  const nowMs = book.clock.nowMs();
  const others = Array.from({ length: count - 1 }, () => ({ ...first, id: newId('schedule', nowMs) }));
  await writeTrx(book.book, async (trx) => {
    for (const chunk of chunks(others)) await insertSchedules(trx, chunk);
  });
}

function run(pipeline: Pipeline, more: Partial<RunOptions> = {}): Promise<RunResult> {
  return executeRun(pipeline, {
    kind: 'billing',
    asOfMs: AS_OF,
    catchUp: { mode: 'all' },
    limits: { maxCount: null, maxAmount: new Map() },
    concurrency: 64,
    signal: new AbortController().signal,
    approve: async () => undefined,
    onStart: async () => undefined,
    onProgress: () => undefined,
    ...more,
  });
}

async function count(from: string): Promise<number> {
  const [row] = await select<{ n: number }>(book.book.reader, `SELECT COUNT(*) AS n FROM ${from}`);
  return row?.n ?? 0;
}

test(
  'charges are made while others are sent; Ctrl-C stops both, and what was not made is made later',
  LONG,
  async () => {
    const controller = new AbortController();
    let made = 0;
    // The first send does not come back before many pages of charges have been made.
    const wrap = (gateway: Gateway): Gateway => ({
      ...gateway,
      send: async (request, signal) => {
        while (made < 1_000) {
          await new Promise((resolve) => setTimeout(resolve, 20));
          made = await count('charges');
        }
        controller.abort();
        return gateway.send(request, signal);
      },
    });
    book = await schedulesBook(wrap);
    const total = 5_000;
    await schedules(total);
    const { run: stopped, error } = await run(book.pipeline, { signal: controller.signal, concurrency: 1 });
    expect([stopped.status, stopped.stoppedBy, error?.code]).toEqual(['interrupted', 'interrupted', 'interrupted']);
    // A few thousand are made ahead, and no more.
    expect(await count('charges')).toBeLessThan(4_000);
    // What was not made a charge waits as it did, and the lease to make it is free.
    expect(await count(`schedules WHERE next_due_at <= ${AS_OF}`)).toBe(total - (await count('charges')));
    expect(await count('leases WHERE owner_id IS NOT NULL')).toBe(0);
    expect(await count('attempts WHERE outcome IS NULL')).toBe(0);

    const left = { asOfMs: AS_OF, catchUp: { mode: 'all' }, runId: 'run_2', stopped: () => false } as const;
    for await (const { chargeIds } of materialise(book.another().context, left))
      expect(chargeIds.length).toBeGreaterThan(0);
    expect(await count('charges')).toBe(total);
    expect(await count('(SELECT DISTINCT schedule_id, period FROM charges)')).toBe(total);
  },
);

test('a run that is over its limit has made no charge', async () => {
  book = await schedulesBook();
  await schedules(20);
  const { error } = await run(book.pipeline, { limits: { maxCount: 19, maxAmount: new Map() } });
  expect(error?.code).toBe('safety_limit');
  expect([await count('charges'), await count(`schedules WHERE next_due_at <= ${AS_OF}`)]).toEqual([0, 20]);
  expect((await run(book.pipeline, { limits: { maxCount: 20, maxAmount: new Map() } })).run.counts.approved).toBe(20);
});

test('a run seals most of what it writes before it ends', LONG, async () => {
  book = await schedulesBook();
  await schedules(1_750);
  expect((await run(book.pipeline)).run.counts.approved).toBe(1_750);
  expect(await count('seal_members')).toBe(5_000);
  await assertSealed();
});

test('two runs at once, sealing meanwhile, collect each charge once and make one chain', LONG, async () => {
  book = await schedulesBook();
  const total = 300;
  await schedules(total);
  const both = [book.pipeline, book.another()].map(async (pipeline) => {
    const sealing = new Sealing(book.book, book.clock, 50);
    const { run: done } = await run(pipeline, { concurrency: 8, onProgress: () => sealing.note() });
    await sealing.end();
    return done.counts.approved;
  });
  const approved = await Promise.all(both);
  expect(approved.reduce((sum, each) => sum + each, 0)).toBe(total);
  expect(await count(`charges WHERE status = 'captured'`)).toBe(total);
  expect((await book.executed()).length).toBe(total);
  expect(await count('seals')).toBeGreaterThan(1);
  await assertSealed();
});

async function assertSealed(): Promise<void> {
  await sealPending(book.book, book.clock);
  expect(await count('seal_members')).toBe(await count('audit_rows'));
  expect((await verifyAudit(book.book.reader, null)).findings).toEqual([]);
}
