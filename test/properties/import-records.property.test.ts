// What the importer cuts at the delimiter by itself comes out as csv-parse reads it, wherever quotes, line ends and the ends
// of what is read at once fall.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CsvRecord, recordPages } from '../../src/imports/records.ts';

/** What is read from the file at once. */
const CHUNK_BYTES = 256 * 1024;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bursar-records-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function recordsOf(text: string, delimiter: string): Promise<CsvRecord[]> {
  const path = join(folder, 'file.csv');
  await writeFile(path, text);
  const all: CsvRecord[] = [];
  for await (const { records } of recordPages(path, delimiter)) all.push(...records);
  return all;
}

const cell = fc.record({
  text: fc.string({
    maxLength: 5,
    unit: fc.constantFrom('"', ',', ';', '|', '\t', '\n', '\r\n', ' ', 'a', '0', "'", 'é', '\u2028', '😀'),
  }),
  isQuoted: fc.boolean(),
});
const file = fc.record({
  delimiter: fc.constantFrom(',', ';', '|', '\t'),
  /** So many bytes stand before the records, so that the end of a chunk falls among them. */
  lead: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: CHUNK_BYTES - 40, max: CHUNK_BYTES })),
  lines: fc.array(
    fc.record({ cells: fc.array(cell, { minLength: 1, maxLength: 5 }), end: fc.constantFrom('\n', '\r\n', '\n\n') }),
    { minLength: 1, maxLength: 8 },
  ),
  isEnded: fc.boolean(),
});

it('reads every record, with the line it begins on, as csv-parse does', async () => {
  await fc.assert(
    fc.asyncProperty(file, async ({ delimiter, lead, lines, isEnded }) => {
      const written = (text: string, isQuoted: boolean): string =>
        isQuoted || /["\r\n]/.test(text) || text.includes(delimiter) ? `"${text.replaceAll('"', '""')}"` : text;
      const records = lines.map(({ cells, end }) => ({
        text: cells.map(({ text, isQuoted }) => written(text, isQuoted)).join(delimiter),
        end,
      }));
      const body = records.map(({ text, end }) => text + end).join('');
      const text = `${lead === 0 ? '' : `${'x'.repeat(lead - 1)}\n`}${isEnded ? body : body.replace(/[\r\n]+$/, '')}`;
      const expected: { record: string[]; info: { lines: number } }[] = parse(text, {
        delimiter,
        info: true,
        record_delimiter: ['\r\n', '\n'],
        relax_column_count: true,
        skip_empty_lines: true,
      }) as never;
      const read = await recordsOf(text, delimiter);
      expect(read.every(({ isBroken }) => !isBroken)).toBe(true);
      expect(read.map(({ cells }) => cells)).toEqual(expected.map(({ record }) => record));
      let line = 1;
      const begins: number[] = lead === 0 ? [] : [line];
      if (lead !== 0) line += 1;
      for (const { text: each, end } of records) {
        if (each !== '') begins.push(line);
        line += `${each}${end}`.split('\n').length - 1;
      }
      expect(read.map((record) => record.line)).toEqual(begins);
    }),
    { numRuns: 100 },
  );
});
