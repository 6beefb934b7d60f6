// Reads the rows of an exported audit log back, one by one, from CSV or NDJSON. What can't be read as such a row is told
// with its line; it is never guessed at.
import { createReadStream } from 'node:fs';
import { unescapeText } from './csv.ts';
import { EXPORT_COLUMNS, type ExportColumn, NUMBER_COLUMNS } from './export-columns.ts';
import type { ExportFormat } from './export-store.ts';
import type { HashedFields } from './row-hash.ts';

/** A row as the file has it. */
export interface FileRow {
  kind: 'row';
  /** Where it begins, from 1, as an editor counts. */
  line: number;
  fields: HashedFields;
  /** ISO 8601, as it stands. */
  at: string | null;
  amount: string | null;
  hash: string | null;
  seal: number | null;
  leaf: number | null;
}

export interface BadLine {
  kind: 'bad';
  line: number;
  fault: string;
  /** Nothing behind it can be read. */
  isFatal: boolean;
}

/** No record of ours is near this; an unclosed quote would otherwise take the rest of the file into memory. */
const LONGEST_RECORD = 32 * 1024 * 1024;

type Value = string | number | null;

/** Every row of the file after its heading. */
export function fileRows(path: string, format: ExportFormat): AsyncGenerator<FileRow | BadLine> {
  return format === 'csv' ? csvRows(path) : jsonRows(path);
}

async function* csvRows(path: string): AsyncGenerator<FileRow | BadLine> {
  const { parse } = await import('csv-parse');
  const { parse: parseNow } = await import('csv-parse/sync');
  const options = { record_delimiter: '\r\n', relax_column_count: true, max_record_size: LONGEST_RECORD };
  const file = createReadStream(path);
  const parser = parse({ ...options, raw: true });
  file.on('error', (error) => parser.destroy(error));
  file.pipe(parser);
  let line = 1;
  try {
    for await (const { raw, record } of parser as AsyncIterable<{ raw: string; record: string[] }>) {
      const begins = line;
      line += 1 + breaksIn(record);
      if (begins === 1 && record.join() !== EXPORT_COLUMNS.join()) {
        yield bad(1, 'its heading is not that of an audit export', true);
        return;
      }
      if (begins === 1) continue;
      // Of the line ending csv-parse leaves the CR in `raw`.
      const exactly = (): (string | null)[] =>
        parseNow(raw.replace(/\r$/, ''), { ...options, cast: nullOrText })[0] ?? record;
      const cells = MAY_BE_EMPTY_TEXT.test(raw) ? exactly() : record.map((cell) => (cell === '' ? null : cell));
      yield toRow(begins, cells.map(csvValue), cells.length);
    }
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && /CSV|QUOTE/.test(String(error.code)))) throw error;
    yield bad(line, 'it is not CSV that an export writes (a quote stands where none may)', true);
  } finally {
    file.destroy();
  }
}

// An empty cell without quotes is null; csv.ts writes an empty text with them. Only `cast` tells the two apart, and it
// makes csv-parse eight times as slow: it is asked for the few records that may have such a cell.
const MAY_BE_EMPTY_TEXT = /(?:^|,)""(?:,|\r|$)/m;

function nullOrText(cell: string, { quoting }: { quoting: boolean }): string {
  return cell === '' && !quoting ? (null as unknown as string) : cell;
}

function breaksIn(cells: readonly string[]): number {
  let breaks = 0;
  for (const cell of cells) {
    for (let at = cell.indexOf('\n'); at !== -1; at = cell.indexOf('\n', at + 1)) breaks += 1;
  }
  return breaks;
}

function csvValue(cell: string | null, place: number): Value {
  const column = EXPORT_COLUMNS[place];
  if (cell === null || column === undefined) return cell;
  if (!NUMBER_COLUMNS.has(column)) return unescapeText(cell);
  return /^(0|-?[1-9]\d{0,18})$/.test(cell) ? Number(cell) : cell;
}

async function* jsonRows(path: string): AsyncGenerator<FileRow | BadLine> {
  let line = 0;
  for await (const text of lines(path)) {
    line += 1;
    const value = text === null ? undefined : parsed(text);
    if (value === undefined) yield bad(line, 'it is not a JSON object', text === null);
    else
      yield toRow(
        line,
        EXPORT_COLUMNS.map((column) => value[column]),
        Object.keys(value).length,
      );
  }
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Lines that end with LF and nothing else: readline would also break at U+2028. Null for one that is too long. */
async function* lines(path: string): AsyncGenerator<string | null> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    const text = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let end = text.indexOf(10); end !== -1; end = text.indexOf(10, from)) {
      yield text.toString('utf8', from, end);
      from = end + 1;
    }
    rest = text.subarray(from);
    if (rest.length <= LONGEST_RECORD) continue;
    yield null;
    return;
  }
  if (rest.length > 0) yield rest.toString('utf8');
}

/** A row of the values in the order of EXPORT_COLUMNS, each of the type that its column has. */
function toRow(line: number, values: readonly unknown[], count: number): FileRow | BadLine {
  if (count !== EXPORT_COLUMNS.length) return bad(line, `it has ${count} cells instead of ${EXPORT_COLUMNS.length}`);
  const row = {} as Record<ExportColumn, string & number>;
  for (const [place, column] of EXPORT_COLUMNS.entries()) {
    const value = values[place];
    const isNumber = NUMBER_COLUMNS.has(column);
    const fits = isNumber ? Number.isSafeInteger(value) : typeof value === 'string';
    if (!fits && (value !== null || REQUIRED.has(column)))
      return bad(line, `its ${column} is not ${isNumber ? 'a whole number' : 'text'}`);
    row[column] = value as string & number;
  }
  const { at, at_ms, amount, hash, seal, leaf, ...fields } = row;
  return { kind: 'row', line, fields: { ...fields, at: at_ms }, at, amount, hash, seal, leaf };
}

const REQUIRED: ReadonlySet<ExportColumn> = new Set([
  'id',
  'at_ms',
  'actor',
  'host',
  'command',
  'subject',
  'action',
  'result',
] as const);

function bad(line: number, fault: string, isFatal = false): BadLine {
  return { kind: 'bad', line, fault, isFatal };
}
