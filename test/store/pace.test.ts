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

describe('a gateway with a rate cap', () => {
  const PER_SECOND = 10;

  /** Collects forty charges; `meanwhile` may move time on, or set the clock, at every send. Tells when each went, by true time. */
  async function collectCapped(
    meanwhile: (send: number, set: (ms: number) => void) => void = () => undefined,
  ): Promise<number[]> {
    const sentAtMs: number[] = [];
    let isOffByMs = 0;
    const trueMs = (): number => book.clock.nowMs() - isOffByMs;
    book = await chargesBook((gateway) => ({
      ...gateway,
      capabilities: { ...gateway.capabilities, maxPerSecond: PER_SECOND },
      send: (request, signal) => {
        sentAtMs.push(trueMs());
        meanwhile(sentAtMs.length, (ms) => {
          isOffByMs += ms;
          book.clock.advance(ms);
        });
        return gateway.send(request, signal);
      },
    }));
    // Many sleep at once, while queries seem to take long: each is awake when its time has come, not when those of the others have been added up.
    book.clock.sleep = async (durationMs) => {
      const untilMs = trueMs() + durationMs;
      await new Promise((resolve) => setImmediate(resolve));
      book.clock.advance(Math.max(0, untilMs - trueMs()));
    };
    const { statuses, refused } = await collect(await dueCharges(40));
    expect(refused).toEqual([]);
    expect(statuses).toEqual(Array(40).fill('captured'));
    expect(sentAtMs.length).toBe(40);
    return sentAtMs.map((atMs) => atMs - (sentAtMs[0] ?? 0));
  }

  const mostInASecond = (sentAtMs: readonly number[]): number =>
    Math.max(...sentAtMs.map((fromMs) => sentAtMs.filter((atMs) => atMs >= fromMs && atMs < fromMs + 1_000).length));

  it('is kept to from the first send on', async () => {
    const sentAtMs = await collectCapped();
    expect(mostInASecond(sentAtMs)).toBeLessThanOrEqual(PER_SECOND);
  });

  it('goes on after the process has stood still, and lets nothing that was held back out at once', async () => {
    const sentAtMs = await collectCapped((send) => {
      if (send === 12) book.clock.advance(5_000);
    });
    expect(mostInASecond(sentAtMs)).toBeLessThanOrEqual(PER_SECOND);
  });

  it('goes on at its pace after the clock was set back or forward', async () => {
    for (const jumpMs of [-200_000, 5_000]) {
      const sentAtMs = await collectCapped((send, set) => {
        if (send === 12) set(jumpMs);
      });
      // A clock that was set forward looks like a process that stood still: the next one goes at once.
      expect(mostInASecond(sentAtMs)).toBeLessThanOrEqual(PER_SECOND + 1);
      if (jumpMs < 0) await book.close();
    }
  });

  it('lets every send out where all of them come more than half a second late', async () => {
    await collectCapped(() => book.clock.advance(700));
  });

  it('is no reason to keep an operator waiting', async () => {
    let sends = 0;
    book = await chargesBook((gateway) => ({
      ...gateway,
      capabilities: { ...gateway.capabilities, maxPerSecond: 1 },
      send: (request, signal) => {
        sends += 1;
        return gateway.send(request, signal);
      },
    }));
    const { statuses } = await collect(await dueCharges(30), { stopped: () => sends >= 3 });
    expect(sends).toBeLessThan(20);
    expect(statuses.filter((status) => status === 'captured').length).toBe(sends);
  });
});
