// What a process has opened it has in hand; where the book says otherwise by the time of the answer, the book is right.
import { expect, test } from 'vitest';
import { cancelIfUnpaid } from '../../src/charges/cancel.ts';
import { select } from '../../src/storage/batch.ts';
import { chargesBook } from '../support/charges-book.ts';
import { DECLINED, NOT_REACHED, scripted } from '../support/scripted-gateway.ts';

test('a charge that was to be cancelled while its send was under way is cancelled by the decline', async () => {
  const script = scripted();
  const at = await chargesBook(script.wrap);
  try {
    script.sends.push(DECLINED);
    script.onSend = async () => {
      const ids = await select<{ id: string }>(at.book.reader, 'SELECT id FROM charges');
      await cancelIfUnpaid(
        at.another().context,
        ids.map(({ id }) => id),
        'schedule cancelled',
      );
    };
    const { charge } = await at.create('tok_approved', { policy: 'standard' });
    expect(charge).toMatchObject({ status: 'cancelled', retryAt: null, retryRule: 'cancel_if_unpaid' });
  } finally {
    await at.close();
  }
});

test('an attempt that somebody took over and sent again is not rejected by what its first send came to', async () => {
  const script = scripted();
  const at = await chargesBook(script.wrap);
  try {
    script.sends.push(NOT_REACHED);
    script.onSend = async () => {
      await at.book.db.raw(
        `UPDATE attempts SET outcome = 'unknown', owner_id = NULL, epoch = epoch + 1, unproven_sends = 2`,
      );
    };
    await at.create('tok_approved', { policy: 'standard' });
    expect(await select(at.book.reader, 'SELECT outcome, unproven_sends FROM attempts')).toEqual([
      { outcome: 'unknown', unproven_sends: 1 },
    ]);
  } finally {
    await at.close();
  }
});
