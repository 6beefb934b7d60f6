// The reader of exported CSV gives what csv-parse gives, or refuses what csv-parse refuses, however the file is cut.
import { writeFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { csvLine } from '../../src/audit/csv.ts';
import { CHUNK_BYTES, csvRecords, MalformedCsv } from '../../src/audit/csv-records.ts';
import { temporaryFolder } from '../support/cli.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

type Cells = (string | null)[];
const MALFORMED = 'malformed';

function byCsvParse(text: string): Cells[] | typeof MALFORMED {
  try {
    return parse(text, {
      record_delimiter: '\r\n',
      relax_column_count: true,
      cast: (cell, { quoting }) => (cell === '' && !quoting ? null : cell) as string,
    });
  } catch (error) {
    if (error instanceof Error && 'code' in error && /CSV|QUOTE/.test(String(error.code))) return MALFORMED;
    throw error;
  }
}

async function read(text: string): Promise<{ lines: number[]; cells: Cells[]; isMalformed: boolean }> {
  const path = `${folder.path}/file.csv`;
  writeFileSync(path, text);
  const [lines, cells]: [number[], Cells[]] = [[], []];
  try {
    for await (const page of csvRecords(path)) {
      for (const record of page) {
        lines.push(record.line);
        cells.push(record.cells);
      }
    }
    return { lines, cells, isMalformed: false };
  } catch (error) {
    if (!(error instanceof MalformedCsv)) throw error;
    return { lines: [...lines, error.line], cells, isMalformed: true };
  }
}

const hostile = fc.string({
  maxLength: 8,
  unit: fc.constantFrom('"', ',', '\r', '\n', '\r\n', "'", ' ', 'a', '{', '\0', 'é', '😀', '\u2028'),
});

test('hostile text', async () => {
  // csv-parse lets a NUL pass behind a closing quote.
  const pieces = fc.array(
    hostile.map((text) => text.replaceAll('\0', '')),
    { maxLength: 6 },
  );
  await fc.assert(
    fc.asyncProperty(pieces, async (pieces) => {
      const text = pieces.join('');
      const { cells, isMalformed } = await read(text);
      expect(isMalformed ? MALFORMED : cells).toEqual(byCsvParse(text));
    }),
    { numRuns: 3000 },
  );
});

test('whatever an export writes, over the end of a chunk, with the line that each record begins on', async () => {
  const record = fc.array(fc.option(hostile), { minLength: 2, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(record, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: -40, max: 40 }),
      async (records, shift) => {
        const written = [['x'.repeat(CHUNK_BYTES + shift), null], ...records].map(csvLine);
        const { lines, cells } = await read(written.join(''));
        expect(cells).toEqual(byCsvParse(written.join('')));
        const begins = written.map((_, at) => written.slice(0, at).join('').split('\n').length);
        expect(lines).toEqual(begins);
      },
    ),
    { numRuns: 300 },
  );
});

test('what comes before a record that is none is read, and its line told', async () => {
  const good = csvLine(['a', 'b\nc']).repeat(3);
  for (const bad of ['"open', 'a"b', '"a"b,c\r\n', 'a,"b" \r\n']) {
    const { cells, lines, isMalformed } = await read(good + bad);
    expect(isMalformed).toBe(true);
    expect(cells).toHaveLength(3);
    expect(lines.at(-1)).toBe(7);
  }
});
