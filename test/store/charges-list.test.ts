// Lists of charges: what the filters find, page by page, and that the few unfinished ones are found by their index.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Charge } from '../../src/charges/charge.ts';
import { type ChargeFilter, chargePage, countCharges } from '../../src/charges/charge-lists-store.ts';
import { insertCharges } from '../../src/charges/charges-store.ts';
import { pagesOf } from '../../src/cli/pages.ts';
import { newId } from '../../src/ids.ts';
import { writeTrx } from '../../src/storage/trx.ts';
import { type ChargesBook, chargesBook } from '../support/charges-book.ts';

let at: ChargesBook;
let all: Charge[];

beforeAll(async () => {
  at = await chargesBook();
  const { charge } = await at.create('tok_approved');
  const statuses = ['captured', 'failed', 'captured', 'unknown', 'voided'] as const;
  const made = Array.from({ length: 2500 }, (_, index): Charge => {
    // Three at each moment, so that the id decides among them.
    const createdAt = charge.createdAt + 1 + Math.floor(index / 3);
    const status = statuses[index % statuses.length] ?? 'captured';
    return { ...charge, id: newId('charge', createdAt), status, createdAt, description: String(index) };
  });
  await writeTrx(at.book, (trx) => insertCharges(trx, made));
  all = [charge, ...made].reverse();
});
afterAll(() => at.close());

async function read(filter: ChargeFilter): Promise<string[]> {
  const ids: string[] = [];
  const rows = pagesOf(
    (limit, before: Charge | undefined) => chargePage(at.book.reader, filter, limit, before),
    (charges) => charges,
  );
  for await (const { id } of rows) ids.push(id);
  return ids;
}

test.each<[string, ChargeFilter, (charge: Charge) => boolean]>([
  ['all', {}, () => true],
  ['one status', { statuses: ['unknown'] }, ({ status }) => status === 'unknown'],
  ['two of the unfinished', { statuses: ['unknown', 'failed'] }, ({ status }) => /unknown|failed/.test(status)],
  ['finished and unfinished', { statuses: ['voided', 'failed'] }, ({ status }) => /voided|failed/.test(status)],
  ['one that nothing has', { statuses: ['expired'] }, () => false],
  ['another customer', { customerId: 'cus_none' }, () => false],
])('%s, newest first, in pages', async (_, filter, isWanted) => {
  const wanted = all.filter(isWanted).map(({ id }) => id);
  expect(await read(filter)).toEqual(wanted);
  expect(await countCharges(at.book.reader, filter)).toBe(wanted.length);
});

test('since is inclusive, until exclusive', async () => {
  const sinceMs = all[1200]?.createdAt ?? 0;
  const untilMs = all[100]?.createdAt ?? 0;
  const wanted = all.filter(({ createdAt }) => createdAt >= sinceMs && createdAt < untilMs);
  expect(wanted.length).toBeGreaterThan(1000);
  expect(await read({ sinceMs, untilMs })).toEqual(wanted.map(({ id }) => id));
});

test('the few unfinished charges of a big book are read by their own index', async () => {
  const queries: string[] = [];
  const listen = ({ sql }: { sql: string }): void => void queries.push(sql);
  at.book.reader.on('query', listen);
  await chargePage(at.book.reader, { statuses: ['unknown'] }, 50);
  await countCharges(at.book.reader, { statuses: ['unknown', 'exhausted'] });
  at.book.reader.off('query', listen);
  for (const sql of queries) {
    const plan = (await at.book.reader.raw(`EXPLAIN QUERY PLAN ${sql}`, [50])) as {
      detail: string;
    }[];
    expect(plan.map(({ detail }) => detail).join('\n')).toContain('charges_unfinished');
  }
  expect(queries).toHaveLength(2);
});
