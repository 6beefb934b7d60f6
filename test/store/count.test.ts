import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { COUNTED_ROWS, countAmong, countUpTo } from '../../src/storage/count.ts';
import { type Book, createBook, openBook } from '../../src/storage/open.ts';
import { temporaryFolder } from '../support/cli.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let book: Book;
beforeAll(async () => {
  folder = await temporaryFolder();
  const path = join(folder.path, 'book.db');
  await createBook(path, 'test', 1000);
  book = await openBook(path);
});
afterAll(async () => {
  await book.close();
  await folder.remove();
});

/** 1 to `count`. */
const numbers = (count: number): string =>
  `(WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < ${count}) SELECT n FROM s)`;

test.each([0, 1, COUNTED_ROWS - 1, COUNTED_ROWS])('%i rows are counted', async (count) => {
  expect(await countUpTo(book.reader, `SELECT 1 FROM ${numbers(count)} WHERE n <= ?`, [count])).toBe(count);
  const odd = await countAmong(book.reader, numbers(Math.max(1, count)), 'n % ?', [2]);
  expect(odd).toBe(Math.ceil(Math.max(1, count) / 2));
});

test('one more is not, whatever holds of them', async () => {
  const rows = numbers(COUNTED_ROWS + 1);
  expect(await countUpTo(book.reader, `SELECT 1 FROM ${rows}`)).toBeNull();
  expect(await countUpTo(book.reader, `SELECT 1 FROM ${rows} WHERE n = 5`)).toBe(1);
  expect(await countAmong(book.reader, rows, 'n = ?', [5])).toBeNull();
});
