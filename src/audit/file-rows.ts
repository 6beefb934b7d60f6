// Reads the rows of an exported audit log back, one by one, from CSV or NDJSON. What can't be read as such a row is told
// with its line; it is never guessed at.
import { createReadStream } from 'node:fs';
import { unescapeText } from './csv.ts';
import { CHUNK_BYTES, csvRecords, LONGEST_RECORD, MalformedCsv } from './csv-records.ts';
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

type Value = string | number | null;

/** Every row of the file after its heading, some hundreds at a time. */
export function fileRows(path: string, format: ExportFormat): AsyncGenerator<(FileRow | BadLine)[]> {
  return format === 'csv' ? csvRows(path) : jsonRows(path);
}

async function* csvRows(path: string): AsyncGenerator<(FileRow | BadLine)[]> {
  try {
    for await (const records of csvRecords(path)) {
      const [heading] = records;
      if (heading?.line === 1) {
        records.shift();
        if (heading.cells.join() !== EXPORT_COLUMNS.join()) {
          yield [bad(1, 'its heading is not that of an audit export', true)];
          return;
        }
      }
      yield records.map(({ line, cells }) => toRow(line, cells.map(csvValue), cells.length));
    }
  } catch (error) {
    if (!(error instanceof MalformedCsv)) throw error;
    yield [bad(error.line, 'it is not CSV that an export writes (a quote stands where none may)', true)];
  }
}

function csvValue(cell: string | null, place: number): Value {
  if (cell === null) return cell;
  if (CHECKS[place]?.isNumber !== true) return unescapeText(cell);
  return /^(0|-?[1-9]\d{0,18})$/.test(cell) ? Number(cell) : cell;
}

async function* jsonRows(path: string): AsyncGenerator<(FileRow | BadLine)[]> {
  let line = 0;
  for await (const texts of lines(path)) {
    yield texts.map((text) => {
      line += 1;
      const value = text === null ? undefined : parsed(text);
      if (value === undefined) return bad(line, 'it is not a JSON object', text === null);
      const values = EXPORT_COLUMNS.map((column) => value[column]);
      return toRow(line, values, Object.keys(value).length);
    });
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
async function* lines(path: string): AsyncGenerator<(string | null)[]> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = bytes.lastIndexOf(10);
    if (end >= 0) yield bytes.toString('utf8', 0, end).split('\n');
    rest = bytes.subarray(end + 1);
    if (rest.length <= LONGEST_RECORD) continue;
    yield [null];
    return;
  }
  if (rest.length > 0) yield [rest.toString('utf8')];
}

/** A row of the values in the order of EXPORT_COLUMNS, each of the type that its column has. */
function toRow(line: number, values: readonly unknown[], count: number): FileRow | BadLine {
  if (count !== EXPORT_COLUMNS.length) return bad(line, `it has ${count} cells instead of ${EXPORT_COLUMNS.length}`);
  for (const [place, { column, isNumber, isRequired }] of CHECKS.entries()) {
    const value = values[place];
    if (value === null ? !isRequired : isNumber ? Number.isSafeInteger(value) : typeof value === 'string') continue;
    return bad(line, `its ${column} is not ${isNumber ? 'a whole number' : 'text'}`);
  }
  const text = (column: ExportColumn) => values[PLACES[column]] as string;
  const number = (column: ExportColumn) => values[PLACES[column]] as number;
  const fields: HashedFields = {
    id: text('id'),
    at: number('at_ms'),
    actor: text('actor'),
    host: text('host'),
    command: text('command'),
    subject: text('subject'),
    action: text('action'),
    before: text('before'),
    after: text('after'),
    result: text('result'),
    reason: text('reason'),
    customer_id: text('customer_id'),
    charge_id: text('charge_id'),
    gateway: text('gateway'),
    status: text('status'),
    currency: text('currency'),
    amount_minor: number('amount_minor'),
  };
  const [at, amount, hash] = [text('at'), text('amount'), text('hash')];
  return { kind: 'row', line, fields, at, amount, hash, seal: number('seal'), leaf: number('leaf') };
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

const PLACES = Object.fromEntries(EXPORT_COLUMNS.map((column, place) => [column, place])) as Record<
  ExportColumn,
  number
>;

const CHECKS = EXPORT_COLUMNS.map((column) => ({
  column,
  isNumber: NUMBER_COLUMNS.has(column),
  isRequired: REQUIRED.has(column),
}));

function bad(line: number, fault: string, isFatal = false): BadLine {
  return { kind: 'bad', line, fault, isFatal };
}
