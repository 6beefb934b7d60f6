// On a live book nothing moves unconfirmed, and off a terminal nothing without a key.
import { expect, test } from 'vitest';
import type { App } from '../../../src/app.ts';
import { confirmOnLive, requireKeyOnLive } from '../../../src/cli/live-guard.ts';

const book = (mode: 'test' | 'live'): App => ({ book: { mode } }) as App;
const asker = (assumesYes: boolean) => ({ isSilent: true, assumesYes });

test('a live book is confirmed, off a terminal by --yes alone', async () => {
  const asked: string[] = [];
  const question = (): string => {
    asked.push('asked');
    return 'Charge 12.50 USD from Ada (cus_1) through stripe?';
  };
  await expect(confirmOnLive(book('live'), asker(false), question)).rejects.toMatchObject({
    code: 'confirmation_impossible',
    exitCode: 2,
    message: expect.stringContaining('Charge 12.50 USD from Ada (cus_1) through stripe?'),
  });
  await confirmOnLive(book('live'), asker(true), question);
  expect(asked).toHaveLength(2);
  await confirmOnLive(book('test'), asker(false), question);
  expect(asked).toHaveLength(2);
});

test('a live book takes no request without a key off a terminal, whatever --yes says', () => {
  for (const assumesYes of [true, false]) {
    expect(() => requireKeyOnLive(book('live'), asker(assumesYes), null)).toThrow(
      expect.objectContaining({ code: 'missing_value', exitCode: 2 }),
    );
  }
  requireKeyOnLive(book('live'), asker(false), 'invoice-1');
  requireKeyOnLive(book('test'), asker(false), null);
});
