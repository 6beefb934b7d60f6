// Lists in every format: what is left out is told, what comes from outside can't harm, and long ones stay flat.
import { expect, test } from 'vitest';
import { type Column, idColumn, numberColumn } from '../../../src/cli/columns.ts';
import { type ListFormat, printFields, printList } from '../../../src/cli/output.ts';
import { paperTerminal } from '../../support/paper-terminal.ts';

interface Row {
  id: string;
  name: string | null;
  amountMinor: string;
  count: number;
}

const COLUMNS: Column<Row>[] = [
  idColumn('id'),
  { key: 'name' },
  numberColumn('amountMinor', ({ amountMinor }) => `${amountMinor} USD`),
  { key: 'count', inTable: false },
];
const ROWS: Row[] = [
  { id: 'ch_01hqzw3k9v8x7y6w5v4t3s2r1q', name: 'Ada\u001b[2J, "the"\nCountess', amountMinor: '1250', count: 2 },
  { id: 'ch_01hqzw3k9v8x7y6w5v4t3s2r1r', name: null, amountMinor: '9', count: 1 },
];

function print(
  format: ListFormat,
  options: { limit?: number | null; total?: number | null; terminal?: ReturnType<typeof paperTerminal> } = {},
) {
  const { limit = null, total = ROWS.length, terminal = paperTerminal() } = options;
  return printList(ROWS, COLUMNS, { schema: 'bursar.rows/1', format, limit, total }, terminal).then(() => terminal);
}

test('a table: headings, alignment, a dash for what is absent, no escapes', async () => {
  const { out, err } = await print('table');
  expect(out).toBe(
    [
      'ID                             NAME                 AMOUNT MINOR',
      'ch_01hqzw3k9v8x7y6w5v4t3s2r1q  Ada, "the" Countess      1250 USD',
      'ch_01hqzw3k9v8x7y6w5v4t3s2r1r  -                           9 USD',
      '',
    ].join('\n'),
  );
  expect(err).toBe('');
});

test('on a narrow screen ids keep their ending and amounts stay whole', async () => {
  const { out } = await print('table', { terminal: paperTerminal({ width: 44 }) });
  const lines = out.trimEnd().split('\n');
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(44);
  expect(lines[1]).toMatch(/^….*3s2r1q +Ada.*… +1250 USD$/);
});

test('colour only where there is colour', async () => {
  const { out } = await print('table', { terminal: paperTerminal({ hasColor: true }) });
  expect(out).toContain('\u001b[');
});

test('json is one document that says whether there is more', async () => {
  const { out, err } = await print('json', { limit: 1, total: 2 });
  expect(JSON.parse(out)).toEqual({ schema: 'bursar.rows/1', items: [ROWS[0]], total: 2, hasMore: true });
  expect(out).not.toContain('\u001b');
  expect(err).toBe('');
});

test('a list too long to be counted says that it is, and whether there is more', async () => {
  const total = null;
  const { out } = await print('json', { limit: 1, total });
  expect(JSON.parse(out)).toMatchObject({ items: [ROWS[0]], total: null, hasMore: true });
  for (const limit of [2, 3, null]) {
    const { out, err } = await print('json', { limit, total });
    expect(JSON.parse(out)).toMatchObject({ items: ROWS, hasMore: false });
    expect(err).toBe('');
  }
  for (const format of ['table', 'csv', 'ndjson'] as const) {
    expect((await print(format, { limit: 1, total })).err).toBe('showing 1 of more than 10,000 (--limit, --all)\n');
    expect((await print(format, { limit: 2, total })).err).toBe('');
  }
});

test('ndjson is a document a line', async () => {
  const { out } = await print('ndjson');
  expect(
    out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual(ROWS);
});

test('csv has every column under its JSON name, raw', async () => {
  const { out } = await print('csv');
  expect(out.split('\r\n')).toEqual([
    'id,name,amountMinor,count',
    `${ROWS[0]?.id},"Ada, ""the""\nCountess",1250,2`,
    `${ROWS[1]?.id},,9,1`,
    '',
  ]);
});

test.each(['table', 'csv', 'ndjson'] as const)('%s tells on stderr that it was cut', async (format) => {
  const { err } = await print(format, { limit: 1, total: 1234 });
  expect(err).toBe('showing 1 of 1,234 (--limit, --all)\n');
});

test('an empty list', async () => {
  const terminal = paperTerminal();
  await printList<Row>([], COLUMNS, { schema: 's', format: 'table', limit: 50, total: 0 }, terminal);
  expect([terminal.out, terminal.err]).toEqual(['', 'nothing found\n']);
});

test('a streamed list asks for no more rows once its reader has gone, or its limit is reached', async () => {
  let made = 0;
  const endless = (function* () {
    for (;;) {
      made += 1;
      yield { ...(ROWS[1] as Row), count: made };
    }
  })();
  const terminal = paperTerminal({ reads: 2 });
  await printList(endless, COLUMNS, { schema: 's', format: 'ndjson', limit: null, total: 1e9 }, terminal);
  expect(terminal.writes).toBe(3);
  expect(made).toBeLessThan(5000);
  expect(terminal.err).toBe('');
  const limited = paperTerminal();
  const next = (function* () {
    yield* ROWS;
    throw new Error('asked for a row beyond the limit');
  })();
  await printList(next, COLUMNS, { schema: 's', format: 'csv', limit: 2, total: 2 }, limited);
  expect(limited.out).toContain('1r,');
});

const MANY: Row[] = Array.from({ length: 2_500 }, (_, index) => ({
  id: `ch_${String(index).padStart(26, '0')}`,
  name: index === 0 ? null : 'a "name"\nof two lines \u007f',
  amountMinor: String(index % 2 === 0 ? 9 : 10 ** (index % 10)),
  count: index,
}));

test('a long json list is written in pieces, and is the document that JSON makes of it whole', async () => {
  for (const [rows, limit] of [
    [MANY, null],
    [MANY, 1],
    [[], null],
  ] as const) {
    const terminal = paperTerminal();
    const list = { schema: 's"1', format: 'json', limit, total: rows.length } as const;
    await printList(rows, COLUMNS, list, terminal);
    const items = rows.slice(0, limit ?? rows.length);
    const whole = { schema: 's"1', items, total: rows.length, hasMore: items.length < rows.length };
    expect(terminal.out).toBe(`${JSON.stringify(whole, null, 2).replaceAll('\u007f', '\\u007f')}\n`);
    expect(terminal.writes > 1).toBe(items.length > 1);
  }
});

test('a long table is written in pieces under one heading, and nothing in it is cut', async () => {
  const terminal = paperTerminal({ hasColor: true });
  const list = { schema: 's', format: 'table', limit: null, total: MANY.length } as const;
  // Wider than all that came before it, in the last piece.
  const wide = { ...(MANY[0] as Row), name: 'a name that is longer than any before it' };
  await printList([...MANY, wide], COLUMNS, list, terminal);
  expect(terminal.writes).toBe(3);
  expect(terminal.out.split('\u001b[1m')).toHaveLength(2);
  const lines = terminal.out.trimEnd().split('\n');
  expect(lines).toHaveLength(MANY.length + 2);
  expect(lines.at(-1)).toContain(`${wide.name}  `);
  expect(lines[2_400]).toMatch(/^ch_0{22}2399 {2}a "name" of two lines +1000000000 USD$/);
});

test('fields are names and values, lined up', async () => {
  const terminal = paperTerminal();
  await printFields(
    [
      ['Id', 'ch_1'],
      ['Description', 'a\u001b[1mb'],
      ['Retry at', null],
      ['Live', true],
    ],
    terminal,
  );
  expect(terminal.out).toBe('Id           ch_1\nDescription  ab\nRetry at     -\nLive         yes\n');
});
