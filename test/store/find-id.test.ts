// From what a person types to a whole id: endings on a terminal, whole ids only where a script moves money.
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { App } from '../../src/app.ts';
import { insertCharges } from '../../src/charges/charges-store.ts';
import { findId } from '../../src/cli/find-id.ts';
import { writeTrx } from '../../src/storage/trx.ts';
import { type ChargesBook, chargesBook } from '../support/charges-book.ts';

let at: ChargesBook;
let app: App;
let ids: string[];

beforeEach(async () => {
  at = await chargesBook();
  app = { book: at.book } as App;
  const { charge } = await at.create('tok_approved');
  const body = charge.id.slice(0, -6);
  ids = ['aaaxyz', 'bbbxyz', 'ccc123'].map((ending) => body + ending);
  const others = ids.map((id) => ({ ...charge, id }));
  await writeTrx(at.book, (trx) => insertCharges(trx, others));
});
afterEach(async () => {
  onTerminal(undefined);
  await at.close();
});

function onTerminal(isTTY: boolean | undefined): void {
  for (const stream of [process.stdin, process.stderr])
    Object.defineProperty(stream, 'isTTY', { value: isTTY, configurable: true });
}

test('a whole id, in any case, with spaces around it', async () => {
  onTerminal(false);
  for (const text of [ids[0], ids[0]?.toUpperCase(), ` ${ids[0]} `]) {
    expect(await findId(app, 'charge', text ?? '', { money: true })).toBe(ids[0]);
  }
});

test.each([['c123'], ['ccc123'], ['…ccc123'], ['...ccc123'], ['ch_…ccc123'], ['C123']])(
  'the ending %s',
  async (text) => {
    onTerminal(true);
    expect(await findId(app, 'charge', text, { money: true })).toBe(ids[2]);
    onTerminal(false);
    expect(await findId(app, 'charge', text, { money: false })).toBe(ids[2]);
    await expect(findId(app, 'charge', text, { money: true })).rejects.toMatchObject({
      code: 'invalid_id',
      exitCode: 2,
    });
  },
);

test('four characters are the least', async () => {
  onTerminal(true);
  expect(await findId(app, 'charge', 'bxyz', { money: true })).toBe(ids[1]);
  await expect(findId(app, 'charge', 'xyz', { money: true })).rejects.toMatchObject({ code: 'invalid_id' });
});

test('an ambiguous ending is refused with its candidates', async () => {
  onTerminal(true);
  const { charge } = await at.create('tok_approved');
  const twins = ['0', '1'].map((letter) => `${charge.id.slice(0, -6)}${letter}zwxyz`);
  await writeTrx(at.book, (trx) =>
    insertCharges(
      trx,
      twins.map((id) => ({ ...charge, id })),
    ),
  );
  await expect(findId(app, 'charge', 'zwxyz', { money: true })).rejects.toMatchObject({
    code: 'ambiguous_id',
    exitCode: 1,
    message: expect.stringContaining([...twins].reverse().join(', ')),
  });
});

test.each([[''], ['   '], ['abc'], ['il0u'], ["' OR 1=1"], ['ch_'], ['%%%%'], ['ch_00000000000000000000000000extra']])(
  '%j is no id',
  async (text) => {
    onTerminal(true);
    await expect(findId(app, 'charge', text, { money: false })).rejects.toMatchObject({
      code: 'invalid_id',
      exitCode: 2,
    });
  },
);

test('every kind has its table and its words', async () => {
  for (const kind of ['customer', 'method', 'charge', 'attempt', 'refund', 'schedule', 'run', 'entry'] as const) {
    await expect(findId(app, kind, 'zzzzzz', { money: false })).rejects.toMatchObject({
      code: 'not_found',
      message: expect.stringContaining('whose id ends in "zzzzzz". Nothing was done.'),
    });
  }
  await expect(findId(app, 'charge', at.customerId, { money: false })).rejects.toMatchObject({
    code: 'invalid_id',
    message: `${at.customerId} is the id of a customer, not of a charge. Nothing was done.`,
  });
});
