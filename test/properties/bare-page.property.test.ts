// A page of bare cells becomes the very bytes of the plain rules, or is refused; it is not refused where nothing has to be
// escaped but JSON.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type CellKind, csvOfBarePage, currencyKey } from '../../src/audit/bare-page.ts';
import { escapeCell } from '../../src/audit/csv.ts';
import { decimalAmount } from '../../src/audit/export-columns.ts';
import { exponentOf } from '../../src/money/currency.ts';

const CODES = ['USD', 'JPY', 'KWD', 'CLF'];
const KINDS: CellKind[] = ['text', 'time', 'json', 'json', 'nullable', 'nullable', 'money', 'nullable'];
const exponents = new Map(CODES.map((code) => [currencyKey(Buffer.from(code), 0, 3), exponentOf(code)]));

interface Row {
  text: string;
  at: number;
  before: string | null;
  after: string | null;
  reason: string | null;
  currency: string | null;
  minor: number | null;
  last: string | null;
}

/** As SQLite writes it. */
function bareLine({ text, at, before, after, reason, currency, minor, last }: Row): string {
  const json = (value: string | null): string => (value === null ? '' : `\x1f${value}\x1f`);
  const nullable = (value: string | null): string => (value === '' ? '""' : (value ?? ''));
  const cells = [
    text,
    at,
    json(before),
    json(after),
    nullable(reason),
    nullable(currency),
    minor ?? '',
    nullable(last),
  ];
  return `${cells.join()}\r\n`;
}

function plainLine({ text, at, before, after, reason, currency, minor, last }: Row): string {
  const iso = new Date(at).toISOString();
  const amount = decimalAmount(minor === null ? null : BigInt(minor), currency) ?? '';
  const cells = [text, before, after, reason, currency].map(escapeCell);
  cells.splice(1, 0, iso, String(at));
  return `${[...cells, minor ?? '', amount, escapeCell(last)].join()}\r\n`;
}

const csvOf = (rows: readonly Row[]): string | null => {
  const jsonCells = rows.flatMap(({ before, after }) => [before, after]).filter((cell) => cell !== null).length;
  const page = Buffer.from(rows.map(bareLine).join(''));
  return csvOfBarePage(page, { rows: rows.length, cells: KINDS, jsonCells, exponents })?.toString() ?? null;
};

const json = fc.option(
  fc
    .dictionary(fc.string({ minLength: 1 }), fc.oneof(fc.string(), fc.integer(), fc.constant(null)), { minKeys: 1 })
    .map((value) => JSON.stringify(value)),
);
// Long enough for several words of four bytes, and with what is below a comma yet harmless behind a start.
const word = fc.string({
  minLength: 1,
  maxLength: 20,
  unit: fc.constantFrom('a', 'B', '7', '_', 'é', '😀', '\0', ';', '#'),
});
const plain: fc.Arbitrary<Row> = fc.record({
  text: word,
  at: fc.oneof(fc.integer({ min: 0, max: 86_400_000 * 3 }), fc.integer({ min: 0, max: 253_402_300_799_999 })),
  before: json,
  after: json,
  reason: fc.option(word),
  currency: fc.option(fc.constantFrom(...CODES, 'ZZZ', 'usd', 'USDD')),
  minor: fc.option(fc.oneof(fc.integer({ min: 0, max: 1200 }), fc.integer({ min: 0, max: 999_999_999_999_999 }))),
  last: fc.option(word),
});

test('pages in which only JSON has to be escaped', () => {
  fc.assert(
    fc.property(fc.array(plain, { minLength: 1, maxLength: 5 }), (rows) => {
      expect(csvOf(rows)).toBe(rows.map(plainLine).join(''));
    }),
    { numRuns: 1000 },
  );
});

const hostile = fc.string({
  maxLength: 8,
  unit: fc.constantFrom(
    '"',
    ',',
    '\r\n',
    '\r',
    '\n',
    '\t',
    ' ',
    "'",
    '=',
    '-',
    'a',
    '{"',
    '}',
    '\x1f',
    '\x1f,',
    ',\x1f',
    '\0',
  ),
});
const either: fc.Arbitrary<Row> = plain.chain((row) =>
  fc.record({
    ...Object.fromEntries(Object.entries(row).map(([name, value]) => [name, fc.constant(value)])),
    text: fc.oneof(hostile, fc.constant(row.text)),
    before: fc.oneof(hostile, fc.constant('{}'), fc.constant(row.before)),
    after: fc.oneof(hostile, fc.constant(row.after)),
    reason: fc.oneof(hostile, fc.constant(row.reason)),
    minor: fc.oneof(fc.constant(-5), fc.constant(10 ** 15), fc.constant(row.minor)),
    last: fc.oneof(hostile, fc.constant(row.last)),
  } as unknown as { [Name in keyof Row]: fc.Arbitrary<Row[Name]> }),
);

test('hostile pages are refused, or come out right', () => {
  fc.assert(
    fc.property(fc.array(either, { minLength: 1, maxLength: 4 }), (rows) => {
      const csv = csvOf(rows);
      if (csv !== null) expect(csv).toBe(rows.map(plainLine).join(''));
    }),
    { numRuns: 3000 },
  );
});

test.each<[string, Partial<Row>]>([
  ['the empty text', { text: '' }],
  ['an empty text that may be null', { reason: '' }],
  ['a comma', { text: 'a,b' }],
  ['a line break', { text: 'a\r\nb' }],
  ['a quote', { reason: 'a"b' }],
  ['a formula', { last: '=1' }],
  ['a space at the end', { text: 'a ' }],
  ['a mark', { text: 'a\x1f' }],
  ['a mark in JSON', { before: '{"a":"\x1f,\x1f"}' }],
  ['no JSON', { after: 'true' }],
  ['a negative amount', { minor: -1 }],
  ['a time that ISO 8601 has no 24 characters for', { at: 253_402_300_800_000 }],
])('refused: %s', (_, cell) => {
  const row: Row = { text: 't', at: 1, before: null, after: null, reason: null, currency: 'USD', minor: 1, last: null };
  expect(csvOf([row])).not.toBeNull();
  expect(csvOf([{ ...row, ...cell }])).toBeNull();
});

test('refused: fewer records than rows', () => {
  const page = Buffer.from('a,b\r\n');
  const shape = { cells: ['text', 'text'] as CellKind[], jsonCells: 0, exponents };
  expect(csvOfBarePage(page, { rows: 1, ...shape })?.toString()).toBe('a,b\r\n');
  expect(csvOfBarePage(page, { rows: 2, ...shape })).toBeNull();
});
