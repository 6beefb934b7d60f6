// A send that waits for its turn has been checked already: what happens meanwhile must hold it back all the same.
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Attempt } from '../../src/charges/attempt.ts';
import { newCharge, writePendingCharges } from '../../src/charges/new-charge.ts';
import { insertPause } from '../../src/charges/pauses-store.ts';
import type { Turn } from '../../src/charges/send.ts';
import { newId } from '../../src/ids.ts';
import { writeTrx } from '../../src/storage/trx.ts';
import { type ChargesBook, chargesBook } from '../support/charges-book.ts';

let book: ChargesBook;
beforeEach(async () => {
  book = await chargesBook();
});
afterEach(() => book.close());

async function opened(): Promise<Attempt> {
  const nowMs = book.clock.nowMs();
  const charge = newCharge(
    {
      ...book.request(await book.method('tok_approved'), { policy: 'standard' }),
      id: newId('charge', nowMs),
      scheduleId: null,
      period: null,
      timezone: null,
      dueAt: nowMs,
    },
    nowMs,
  );
  await writeTrx(book.book, (trx) => writePendingCharges(trx, book.pipeline.context, [charge]));
  const result = await book.pipeline.open({ kind: 'collect', chargeId: charge.id, asOfMs: nowMs, runId: null });
  if (result.kind !== 'opened') throw new Error(result.kind);
  return result.attempt;
}

/** Collects the attempt; `meanwhile` happens when it has been checked and waits for its turn. */
async function collected(attempt: Attempt, meanwhile: () => Promise<void>): Promise<(string | null)[]> {
  const turn: Turn = async (send) => {
    await meanwhile();
    return send();
  };
  const done = await book.pipeline.collectUnless(
    () => false,
    attempt,
    () => false,
    turn,
  );
  return [done?.attempt.outcome ?? null, done?.attempt.declineCode ?? null];
}

const pause = (): Promise<void> =>
  writeTrx(book.book, (trx) =>
    insertPause(trx, { scope: '*', reason: 'incident', actor: 'operator', since: book.clock.nowMs() }),
  );

test('it goes out when nothing has happened', async () => {
  expect(await collected(await opened(), async () => undefined)).toEqual(['approved', null]);
});

test('a turn that was long in coming: it is checked once more', async () => {
  const meanwhile = async (): Promise<void> => {
    await pause();
    book.clock.advance(300);
  };
  expect(await collected(await opened(), meanwhile)).toEqual(['rejected', 'paused']);
  expect(await book.executed()).toEqual([]);
});

test('what the check of another send has found in the meantime holds for it', async () => {
  const [one, other] = [await opened(), await opened()];
  const meanwhile = async (): Promise<void> => {
    await pause();
    await book.pipeline.collect(other);
  };
  expect(await collected(one, meanwhile)).toEqual(['rejected', 'paused']);
  expect(await book.executed()).toEqual([]);
});

test('one that was taken over while it waited is not sent', async () => {
  const attempt = await opened();
  const meanwhile = async (): Promise<void> => {
    await writeTrx(book.book, (trx) => trx.raw('UPDATE attempts SET epoch = epoch + 1 WHERE id = ?', [attempt.id]));
    book.clock.advance(300);
  };
  await collected(attempt, meanwhile);
  expect(await book.executed()).toEqual([]);
});
