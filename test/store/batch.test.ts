// Whole batches as one statement: what is written is what was given, in its order, or nothing.
import { setTimeout } from 'node:timers/promises';
import type { Knex } from 'knex';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  insertion,
  insertRows,
  select,
  selectBatch,
  updateRows,
  updating,
  writeInOrder,
} from '../../src/storage/batch.ts';
import { changedColumns } from '../../src/storage/change.ts';
import { type ChargesBook, chargesBook } from '../support/charges-book.ts';

let at: ChargesBook;

beforeEach(async () => {
  at = await chargesBook();
  await at.book.db.raw('CREATE TABLE notes (id TEXT PRIMARY KEY, a TEXT, b INTEGER, c TEXT) STRICT');
});
afterEach(() => at.close());

const notes = () => select(at.book.db, 'SELECT * FROM notes ORDER BY id');

test('a column that is null in some rows is written, one that is null in all of them is left out', async () => {
  const rows = [
    ['1', null, 7, null],
    ['2', 'two', null, null],
  ];
  expect(insertion('notes', ['id', 'a', 'b', 'c'], rows)?.sql).toContain('(id, a, b)');
  await insertRows(at.book.db, 'notes', ['id', 'a', 'b', 'c'], rows);
  expect(await notes()).toEqual([
    { id: '1', a: null, b: 7, c: null },
    { id: '2', a: 'two', b: null, c: null },
  ]);
});

test('hostile text comes back as it was, read row by row or as one text', async () => {
  const texts = [
    '',
    '"',
    '\\',
    "'",
    '\0',
    '\n',
    '\u2028',
    '€',
    '\ud83d\ude00',
    '\\ud800',
    '{"a":1}',
    '[1]',
    'null',
    '1e3',
  ];
  const rows = texts.map((text, index) => [String(index).padStart(3, '0'), text, index - 5, null]);
  await insertRows(at.book.db, 'notes', ['id', 'a', 'b', 'c'], rows);
  const expected = rows.map(([id, a, b, c]) => ({ id, a, b, c }));
  expect(await notes()).toEqual(expected);
  // What is the same in all rows goes another way.
  await at.book.db.raw('DELETE FROM notes');
  for (const row of rows) await insertRows(at.book.db, 'notes', ['id', 'a', 'b', 'c'], [row]);
  expect(await notes()).toEqual(expected);
  expect(await selectBatch(at.book.db, ['id', 'a', 'b', 'c'], 'notes WHERE b > ? ORDER BY id', [-100])).toEqual(
    expected,
  );
});

test('half of a surrogate pair is stored as U+FFFD, alone or among others', async () => {
  await insertRows(at.book.db, 'notes', ['id', 'a', 'c'], [['1', 'a\ud800', '\udfff']]);
  await insertRows(
    at.book.db,
    'notes',
    ['id', 'a', 'c'],
    [
      ['2', 'a\ud800', 'x'],
      ['3', 'b', 'y'],
    ],
  );
  expect(await notes()).toMatchObject([{ a: 'a\ufffd', c: '\ufffd' }, { a: 'a\ufffd' }, { a: 'b' }]);
});

test('whole numbers stay whole numbers, the same in all rows or not', async () => {
  const largest = 10 ** 15;
  await insertRows(at.book.db, 'notes', ['id', 'b'], [['1', largest]]);
  await insertRows(
    at.book.db,
    'notes',
    ['id', 'b'],
    [
      ['2', largest],
      ['3', -largest],
    ],
  );
  await updateRows(at.book.db, 'notes', ['id', 'b', 'b_was'], [['3', largest, -largest]], ['b']);
  const stored = await select(at.book.db, 'SELECT typeof(b) AS type, CAST(b AS TEXT) AS text FROM notes');
  expect(stored).toEqual(['1', '2', '3'].map(() => ({ type: 'integer', text: String(largest) })));
});

test('amounts up to the largest there may be are exact', async () => {
  const rows = [
    ['1', null, 1_000_000_000_000_000, null],
    ['2', null, -1_000_000_000_000_000, null],
  ];
  await insertRows(at.book.db, 'notes', ['id', 'a', 'b', 'c'], rows);
  expect(await selectBatch(at.book.db, ['b'], 'notes ORDER BY id')).toEqual([{ b: 10 ** 15 }, { b: -(10 ** 15) }]);
});

test('an update that does not find all it was to change is a fault', async () => {
  await insertRows(at.book.db, 'notes', ['id', 'b'], [['1', 1]]);
  const change = updateRows(at.book.db, 'notes', ['id', 'a', 'b_was'], [['1', 'x', 2]], ['b']);
  await expect(change).rejects.toThrow('changed under the writer: 1 of 1');
  await updateRows(at.book.db, 'notes', ['id', 'a', 'b_was'], [['1', 'x', 1]], ['b']);
  expect(await notes()).toEqual([{ id: '1', a: 'x', b: 1, c: null }]);
});

test('statements run in their order, whatever is built ahead; behind a failure none runs', async () => {
  const built: string[] = [];
  const step =
    (id: string, fails = false) =>
    () => {
      built.push(id);
      return insertion('notes', ['id', fails ? 'nothing' : 'a'], [[id, 'x']]);
    };
  const again = () => updating('notes', ['id', 'a'], [['1', 'y']]);
  await writeInOrder(at.book.db, [step('1'), () => null, again, step('2')]);
  expect(await notes()).toMatchObject([{ a: 'y' }, { a: 'x' }]);
  await expect(writeInOrder(at.book.db, [step('3', true), step('4'), step('5')])).rejects.toThrow('nothing');
  expect(built.slice(0, 3)).toEqual(['1', '2', '3']);
  expect(await notes()).toHaveLength(2);
});

test('a fault in building is told when nothing is at work any more, and nothing that waited has run', async () => {
  const ran: string[] = [];
  const slowly = {
    raw: async (sql: string) => {
      await setTimeout(20);
      ran.push(sql.slice(0, 20));
      return [];
    },
  } as unknown as Knex;
  const step = (table: string) => () => insertion(table, ['id'], [['1']]);
  const fault = (): never => {
    throw new Error('a fault of ours');
  };
  await expect(writeInOrder(slowly, [step('first'), step('second'), fault])).rejects.toThrow('a fault of ours');
  expect(ran).toEqual(['INSERT INTO first (i']);
  await setTimeout(60);
  expect(ran).toHaveLength(1);
});

test('of the columns of a change, only those that differ somewhere', () => {
  const columns = [
    ['a', (row: { a: number; b: string | null }) => row.a],
    ['b', (row: { a: number; b: string | null }) => row.b],
  ] as const;
  const same = { was: { a: 1, b: null }, now: { a: 1, b: null } };
  expect(changedColumns(columns, [same])).toEqual([]);
  expect(changedColumns(columns, [same, { was: same.was, now: { a: 1, b: 'x' } }]).map(([name]) => name)).toEqual([
    'b',
  ]);
});
