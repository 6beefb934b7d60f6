// A provider that turns requests away (429): the run sends more slowly and not before the time it is told, and no
// attempt is spent on a request that was not executed.
import { afterEach, describe, expect, it } from 'vitest';
import type { Charge } from '../../src/charges/charge.ts';
import { chargesById } from '../../src/charges/charges-store.ts';
import { type CollectDue, collectDue } from '../../src/charges/collect-due.ts';
import { newCharge, writePendingCharges } from '../../src/charges/new-charge.ts';
import type { Gateway, Outcome } from '../../src/gateways/gateway.ts';
import { newId } from '../../src/ids.ts';
import { writeTrx } from '../../src/storage/trx.ts';
import { type ChargesBook, chargesBook } from '../support/charges-book.ts';

const tooMany = (retryAfterMs: number | null): Outcome => ({
  kind: 'rejected',
  reason: 'transport',
  providerCode: 'http_429',
  providerMessage: null,
  retryAfterMs,
});

/** A bank that turns the sends away for which `answers` gives an outcome, and notes when each came. */
function busyBank(answers: (send: number) => Outcome | null) {
  const sends: { atMs: number; turnedAway: boolean }[] = [];
  let nowMs = (): number => 0;
  let underWay = 0;
  let most = 0;
  return {
    sends,
    mostAtOnce: () => {
      const was = most;
      most = 0;
      return was;
    },
    useClock: (clock: () => number) => {
      nowMs = clock;
    },
    wrap: (gateway: Gateway): Gateway => ({
      ...gateway,
      send: async (request, signal) => {
        const answer = answers(sends.length);
        sends.push({ atMs: nowMs(), turnedAway: answer !== null });
        underWay += 1;
        most = Math.max(most, underWay);
        // The others of a moment have been sent by then.
        await new Promise((resolve) => setTimeout(resolve, 5));
        underWay -= 1;
        return answer ?? gateway.send(request, signal);
      },
    }),
  };
}

let book: ChargesBook;
afterEach(() => book.close());

async function dueCharges(count: number): Promise<Charge[]> {
  const methodId = await book.method('tok_approved');
  const nowMs = book.clock.nowMs();
  const charges = Array.from({ length: count }, () =>
    newCharge(
      {
        ...book.request(methodId, { policy: 'standard' }),
        id: newId('charge', nowMs),
        scheduleId: null,
        period: null,
        timezone: null,
        dueAt: nowMs,
      },
      nowMs,
    ),
  );
  await writeTrx(book.book, (trx) => writePendingCharges(trx, book.pipeline.context, charges));
  return charges;
}

async function collect(
  charges: Charge[],
  more: Partial<CollectDue> = {},
): Promise<{ statuses: string[]; refused: string[] }> {
  const refused: string[] = [];
  await collectDue(book.pipeline, {
    kind: 'pending',
    asOfMs: book.clock.nowMs(),
    runId: newId('run', book.clock.nowMs()),
    concurrency: 16,
    stopped: () => false,
    onOpened: () => undefined,
    onCollected: () => undefined,
    onBlocked: () => undefined,
    onRefused: (error) => refused.push(error.code),
    ...more,
  });
  const standing = await chargesById(
    book.book.reader,
    charges.map(({ id }) => id),
  );
  return { statuses: [...standing.values()].map(({ status }) => status), refused };
}

const attempts = (): Promise<{ outcome: string; n: number }[]> =>
  book.book.reader.raw('SELECT outcome, COUNT(*) AS n FROM attempts GROUP BY outcome');

describe('a provider that turns requests away', () => {
  it('is left alone for as long as it says, and then asked by half as many at once', async () => {
    const bank = busyBank((send) => (send < 16 ? tooMany(2_000) : null));
    book = await chargesBook(bank.wrap);
    bank.useClock(book.clock.nowMs);
    const charges = await dueCharges(40);
    const startedAt = book.clock.nowMs();
    const { statuses, refused } = await collect(charges);
    expect(statuses).toEqual(Array(40).fill('captured'));
    expect(refused).toEqual([]);
    // Turned away sixteen times, and not one attempt spent on it.
    expect(await attempts()).toEqual([{ outcome: 'approved', n: 40 }]);
    expect(bank.sends.filter(({ turnedAway }) => turnedAway).length).toBe(16);
    for (const { atMs, turnedAway } of bank.sends) {
      if (!turnedAway) expect(atMs - startedAt).toBeGreaterThanOrEqual(2_000);
    }
    expect((await book.executed()).length).toBe(40);
  });

  it('halves what is under way at once', async () => {
    const bank = busyBank((send) => (send === 15 ? tooMany(null) : null));
    book = await chargesBook(bank.wrap);
    const charges = await dueCharges(32);
    let before = 0;
    await collect(charges, {
      onCollected: () => {
        if (before === 0) before = bank.mostAtOnce();
      },
    });
    expect(before).toBe(16);
    expect(bank.mostAtOnce()).toBeLessThanOrEqual(9);
  });

  it('that takes nothing at all stops the run: what was not sent stays due', async () => {
    const bank = busyBank(() => tooMany(1_000));
    book = await chargesBook(bank.wrap);
    const charges = await dueCharges(20);
    const { statuses, refused } = await collect(charges, { concurrency: 4 });
    expect(refused).toContain('gateway_unreachable');
    expect(statuses.filter((status) => status === 'pending').length).toBeGreaterThanOrEqual(16);
    expect(statuses.every((status) => status === 'pending' || status === 'failed')).toBe(true);
    expect(await book.executed()).toEqual([]);
  });

  it('does not keep an operator from stopping the run', async () => {
    const bank = busyBank(() => tooMany(3_600_000));
    book = await chargesBook(bank.wrap);
    const charges = await dueCharges(3);
    const startedAt = book.clock.nowMs();
    let asked = 0;
    const { statuses } = await collect(charges, {
      stopped: () => {
        asked += 1;
        return asked > 20;
      },
    });
    expect(book.clock.nowMs() - startedAt).toBeLessThan(60_000);
    expect(statuses).not.toContain('captured');
    expect(statuses).not.toContain('exhausted');
  });
});
