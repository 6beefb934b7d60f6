// Hostile text survives the way into a CSV file and back, and SQLite builds the very same bytes as escapeCell.
import fc from 'fast-check';
import sqlite3 from 'sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type CsvValue,
  csvLine,
  escapeCell,
  sqlCsvLine,
  sqlNumberCell,
  sqlTextCell,
  unescapeText,
} from '../../src/audit/csv.ts';

/** Mostly characters with a meaning to CSV, to spreadsheets or to SQL; NUL is among them. Always valid UTF-16. */
const hostile = fc.oneof(
  fc.string({
    maxLength: 6,
    unit: fc.constantFrom(
      '"',
      ',',
      '\r',
      '\n',
      '\t',
      ' ',
      "'",
      '=',
      '+',
      '-',
      '@',
      'A',
      'a',
      '?',
      '[',
      '*',
      '\0',
      '😀',
    ),
  }),
  fc.string({ unit: 'binary' }),
);
const texts = fc.array(fc.option(hostile), { minLength: 1, maxLength: 8 });

interface Cell {
  text: string;
  isQuoted: boolean;
}

/** RFC 4180 section 2, strictly: throws on a quote where none may stand, and on a lone CR or LF. */
function parse(csv: string): Cell[][] {
  const records: Cell[][] = [];
  let cells: Cell[] = [];
  let at = 0;
  while (at < csv.length) {
    const [cell = ''] = /^(?:"(?:[^"]|"")*"|[^",\r\n]*)/.exec(csv.slice(at)) ?? [];
    const isQuoted = cell.startsWith('"');
    cells.push({ text: isQuoted ? cell.slice(1, -1).replaceAll('""', '"') : cell, isQuoted });
    at += cell.length;
    if (csv.startsWith('\r\n', at)) {
      records.push(cells);
      cells = [];
      at += 2;
    } else if (csv[at] === ',') at += 1;
    else throw new Error(`not RFC 4180 at ${at}: ${JSON.stringify(csv)}`);
  }
  expect(cells).toEqual([]);
  return records;
}

const textOf = ({ text, isQuoted }: Cell) => (text === '' && !isQuoted ? null : unescapeText(text));

describe('CSV of hostile text', () => {
  it('gives the text back, and tells null from the empty string', () => {
    fc.assert(
      fc.property(fc.array(texts, { maxLength: 4 }), (rows) => {
        expect(parse(rows.map(csvLine).join('')).map((cells) => cells.map(textOf))).toEqual(rows);
      }),
      { numRuns: 1000 },
    );
  });

  it('has no cell that a spreadsheet may take for a formula', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const [[cell] = []] = parse(csvLine([text]));
        expect(cell?.text).not.toMatch(/^[=+\-@\t\r\n]/);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('CSV built by SQLite', () => {
  let db: sqlite3.Database;
  beforeAll(() => {
    db = new sqlite3.Database(':memory:');
  });
  afterAll(() => new Promise<void>((resolve) => db.close(() => resolve())));

  /** The bytes of `expression` over a row with the columns c0, c1, … of these values. */
  const bytesOf = (expression: string, values: readonly CsvValue[]) => {
    // The driver binds integers above 31 bits as REAL; a column of type INTEGER takes them back.
    const columns = values
      .map((value, index) => `${typeof value === 'number' ? 'CAST(? AS INTEGER)' : '?'} AS c${index}`)
      .join(', ');
    return new Promise<Buffer>((resolve, reject) => {
      const sql = `SELECT CAST(${expression} AS BLOB) AS bytes FROM (SELECT ${columns})`;
      db.get<{ bytes: Buffer }>(sql, values, (error, row) => (error ? reject(error) : resolve(row.bytes)));
    });
  };

  it('equals escapeCell for text, to the byte', async () => {
    await fc.assert(
      fc.asyncProperty(fc.option(hostile), async (text) => {
        const bytes = await bytesOf(sqlTextCell('c0'), [text]);
        expect(bytes).toEqual(Buffer.from(escapeCell(text), 'utf8'));
      }),
      { numRuns: 2000 },
    );
  });

  it('equals escapeCell for every text of one or two telling characters', async () => {
    const alphabet = [...'\t\n\r !"\'+,-./09:;<=>?@ABaz{|}~\u007fé😀\0'];
    for (const first of alphabet) {
      for (const second of ['', ...alphabet]) {
        const bytes = await bytesOf(sqlTextCell('c0'), [first + second]);
        expect(bytes).toEqual(Buffer.from(escapeCell(first + second), 'utf8'));
      }
    }
  });

  it('equals csvLine for a whole record, nulls, numbers and all', async () => {
    const numbers = fc.option(fc.integer({ min: -1e15, max: 1e15 }));
    await fc.assert(
      fc.asyncProperty(texts, numbers, async (cells, number) => {
        const sql = [...cells.map((_, index) => sqlTextCell(`c${index}`)), sqlNumberCell(`c${cells.length}`)];
        const bytes = await bytesOf(sqlCsvLine(sql), [...cells, number]);
        expect(bytes).toEqual(Buffer.from(csvLine([...cells, number]), 'utf8'));
      }),
    );
  });
});
