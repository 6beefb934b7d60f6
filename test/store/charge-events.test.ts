// What a charge publishes: each change counts a version, and each version is there, so that a reader can tell a gap.
import { expect, test } from 'vitest';
import { createCharge, replayCharges } from '../../src/charges/operations.ts';
import { select } from '../../src/storage/batch.ts';
import { type ChargesBook, chargesBook } from '../support/charges-book.ts';
import { schedulesBook } from '../support/schedules-book.ts';
import { DECLINED, scripted } from '../support/scripted-gateway.ts';

const published = ({ book }: ChargesBook, chargeId: string) =>
  select<{ type: string; version: number }>(
    book.reader,
    'SELECT type, version FROM events WHERE aggregateid = ? ORDER BY version',
    [chargeId],
  );

test('a replay is published', async () => {
  const script = scripted();
  const charges = await chargesBook(script.wrap);
  script.sends.push(DECLINED);
  const { charge } = await charges.create('tok_approved');
  await replayCharges(charges.pipeline, [charge.id], 'the bank was asked');
  expect(await published(charges, charge.id)).toEqual([
    { type: 'charge.created.v1', version: 1 },
    { type: 'charge.exhausted.v1', version: 2 },
    { type: 'charge.replayed.v1', version: 3 },
    { type: 'charge.captured.v1', version: 4 },
  ]);
  await charges.close();
});

test('a charge that is given up because its method was blocked is published', async () => {
  const book = await schedulesBook();
  const schedule = await book.schedule('tok_approved');
  await book.billAt('2026-01-31T09:00:00Z');
  await book.book.db.raw('UPDATE payment_methods SET blocked_at = 1, blocked_code = ? WHERE id = ?', [
    'lost_card',
    schedule.methodId,
  ]);
  await expect(createCharge(book.pipeline, book.request(schedule.methodId))).rejects.toThrow(/blocked/);
  await book.billAt('2026-02-28T09:00:00Z');
  const [newest] = await book.chargesOf(schedule);
  expect(newest?.status).toBe('exhausted');
  expect(await published(book, newest?.id ?? '')).toEqual([
    { type: 'charge.created.v1', version: 1 },
    { type: 'charge.exhausted.v1', version: 2 },
  ]);
  await book.close();
});
