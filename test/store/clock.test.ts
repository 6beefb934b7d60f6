// A clock that can't be right: nothing is sent, in any process, until it is right again or someone says that it is.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { acceptClockNow } from '../../src/charges/accept-clock.ts';
import { readGuard } from '../../src/charges/guard-store.ts';
import { createCharge } from '../../src/charges/operations.ts';
import { examine } from '../../src/inspection/doctor.ts';
import { readTrx } from '../../src/storage/trx.ts';
import { billingRun } from '../support/billing-run.ts';
import { type SchedulesBook, schedulesBook } from '../support/schedules-book.ts';
import { type Script, scripted } from '../support/scripted-gateway.ts';

const MIN = 60_000;
const DAY = 1440 * MIN;
const REFUSED = { code: 'clock', exitCode: 8 };

let at: SchedulesBook;
let script: Script;
/** What the gateway's Date header is off by; null: it bears none. */
let offsetMs: number | null;
beforeEach(async () => {
  script = scripted();
  offsetMs = null;
  at = await schedulesBook((gateway) => ({ ...script.wrap(gateway), clockOffsetMs: () => offsetMs }));
});
afterEach(() => at.close());

const doctor = () => readTrx(at.book, (trx) => examine({ db: trx, nowMs: at.clock.nowMs() }));

test('a jump back stops every way of sending; accepting it goes on', async () => {
  await at.create('tok_approved');
  await at.schedule('tok_approved', {
    recurrence: {
      every: { count: 1, unit: 'day' },
      on: null,
      time: '09:00',
      start: '2026-01-16',
      at: null,
      timezone: 'UTC',
    },
  });
  at.clock.advance(2 * DAY);
  await at.create('tok_approved');
  const later = at.clock.nowMs();
  at.clock.advance(-2 * DAY);
  const methodId = await at.method('tok_approved');
  await expect(createCharge(at.pipeline, at.request(methodId))).rejects.toMatchObject(REFUSED);
  await expect(billingRun(at.pipeline, at.clock.nowMs())).rejects.toMatchObject(REFUSED);
  expect(script.sent).toBe(2);
  expect(await at.book.reader.raw('SELECT * FROM runs')).toEqual([]);
  expect(await doctor()).toMatchObject({
    exitCode: 8,
    report: { findings: [{ code: 'clock_back', command: 'bursar doctor clock accept --reason WHY' }] },
  });

  const { author } = at.pipeline.context;
  const accepted = await acceptClockNow({ book: at.book, clock: at.clock, author }, 'a day ahead for an hour');
  expect(accepted).toEqual({ now: at.clock.nowMs(), was: later, cleared: [] });
  expect(await at.create('tok_approved')).toMatchObject({ charge: { status: 'captured' } });
  expect(await at.book.reader.raw(`SELECT action, reason FROM audit_rows WHERE action = 'clock.accept'`)).toEqual([
    { action: 'clock.accept', reason: 'a day ahead for an hour' },
  ]);
});

test('five minutes are no jump', async () => {
  await at.create('tok_approved');
  at.clock.advance(-5 * MIN);
  expect(await at.create('tok_approved')).toMatchObject({ charge: { status: 'captured' } });
  // The latest time stays the latest.
  at.clock.advance(-1);
  const methodId = await at.method('tok_approved');
  await expect(createCharge(at.pipeline, at.request(methodId))).rejects.toMatchObject(REFUSED);
});

test('a jump back between claim and send stops the send', async () => {
  await at.schedule('tok_approved');
  at.clock.advance(30 * DAY);
  const { guard } = at.pipeline.context;
  const letOut = guard.letOut.bind(guard);
  guard.letOut = () => {
    at.clock.advance(-3 * DAY);
    return letOut();
  };
  const result = await billingRun(at.pipeline, at.clock.nowMs());
  expect(result).toMatchObject({ error: REFUSED, run: { stoppedBy: 'clock', counts: { due: 0, approved: 0 } } });
  expect(script.sent).toBe(0);
  // The period was not sent, and is due as before.
  guard.letOut = letOut;
  at.clock.advance(3 * DAY);
  expect(await billingRun(at.pipeline, at.clock.nowMs())).toMatchObject({ run: { counts: { approved: 1 } } });
});

test.each([
  ['ahead', 6 * MIN],
  ['behind', -6 * MIN],
])('a gateway whose clock is %s of ours stops all further sends to it, in every process', async (_, offset) => {
  offsetMs = offset;
  expect(await at.create('tok_approved')).toMatchObject({ charge: { status: 'captured' } });
  expect((await readGuard(at.book.reader)).clockFaults).toEqual(new Map([['simulated', offset]]));
  const methodId = await at.method('tok_approved');
  for (const pipeline of [at.pipeline, at.another()]) {
    await expect(createCharge(pipeline, at.request(methodId))).rejects.toMatchObject(REFUSED);
  }
  expect(script.sent).toBe(1);
  expect(await doctor()).toMatchObject({ exitCode: 8, report: { findings: [{ code: 'clock_off' }] } });
  const audit = await at.book.reader.raw(`SELECT result FROM audit_rows WHERE subject = 'clock'`);
  expect(audit).toEqual([{ result: 'refusing' }]);
});

test('five minutes between clocks are borne', async () => {
  offsetMs = 5 * MIN;
  await at.create('tok_approved');
  expect(await at.create('tok_approved')).toMatchObject({ charge: { status: 'captured' } });
});

test('a later answer with the right time clears it: a lookup is enough', async () => {
  await at.create('tok_settling');
  offsetMs = 6 * MIN;
  await at.create('tok_approved');
  expect((await readGuard(at.book.reader)).clockFaults.size).toBe(1);
  offsetMs = 0;
  await billingRun(at.pipeline, at.clock.nowMs());
  expect((await readGuard(at.book.reader)).clockFaults.size).toBe(0);
  expect(await at.create('tok_approved')).toMatchObject({ charge: { status: 'captured' } });
});

test('accepting clears a gateway too, and the next answer is looked at anew', async () => {
  offsetMs = 6 * MIN;
  await at.create('tok_approved');
  const { author } = at.pipeline.context;
  const accepted = await acceptClockNow({ book: at.book, clock: at.clock, author }, 'NTP is back');
  expect(accepted.cleared).toEqual([{ gateway: 'simulated', offsetMs: 6 * MIN }]);
  expect(await at.create('tok_approved')).toMatchObject({ charge: { status: 'captured' } });
  const methodId = await at.method('tok_approved');
  await expect(createCharge(at.pipeline, at.request(methodId))).rejects.toMatchObject(REFUSED);
});
