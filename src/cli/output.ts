// Prints lists and single results in the format asked for. A list is written as it is read, whatever its format, so that
// its length costs no memory.
import { csvLine } from '../audit/csv.ts';
import { COUNTED_ROWS } from '../storage/count.ts';
import { type Cell, type Column, csvCell } from './columns.ts';
import { formatFields, formatTable, tableInParts } from './table.ts';
import type { Terminal } from './terminal.ts';
import { printable, toJson, withThousands } from './text.ts';

export const LIST_FORMATS = ['table', 'json', 'ndjson', 'csv'] as const;
export type ListFormat = (typeof LIST_FORMATS)[number];

export type Rows<T> = Iterable<T> | AsyncIterable<T>;

export interface ListOptions {
  /** `bursar.charges/1`: the schema field of the JSON document. */
  schema: string;
  format: ListFormat;
  /** The most rows to print; null for all. */
  limit: number | null;
  /** How many rows there are in all, whatever the limit; null for more than are counted. */
  total: number | null;
}

/** Bytes gathered before a write: a system call per line would cost more than making the line. */
const CHUNK_LENGTH = 64 * 1024;
/** Rows of a table whose columns are made as wide as the widest of them. */
const TABLE_PART = 1000;

/** Prints `rows`, at most `limit` of them, and tells on stderr when there are more. */
export async function printList<T extends object>(
  rows: Rows<T>,
  columns: readonly Column<T>[],
  options: ListOptions,
  terminal: Terminal,
): Promise<void> {
  const { format } = options;
  const isTable = format === 'table';
  const shown = await (isTable ? streamTable : streamList)(rows, columns, options, terminal);
  if (format === 'json') return;
  const footer = shown === null ? null : footerOf(shown, options);
  if (footer !== null) terminal.note(`${footer}\n`);
}

/** Prints a table that is part of a larger result; nothing when there are no rows. */
export async function printTable<T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  terminal: Terminal,
): Promise<void> {
  if (rows.length > 0) await terminal.write(formatTable(rows, columns, terminal));
}

/** Prints one thing as names and values. */
export async function printFields(
  fields: readonly (readonly [name: string, value: Cell])[],
  terminal: Terminal,
): Promise<void> {
  await terminal.write(formatFields(fields, terminal));
}

/** Prints lines of prose as part of the result. */
export async function printLine(text: string, terminal: Terminal): Promise<void> {
  await terminal.write(`${printable(text)}\n`);
}

interface Shown {
  count: number;
  /** Whether there are rows behind the limit. */
  hasMore: boolean;
}

function footerOf({ count, hasMore }: Shown, { total, format }: ListOptions): string | null {
  const all = total === null ? `more than ${withThousands(COUNTED_ROWS)}` : withThousands(total);
  if (hasMore) return `showing ${withThousands(count)} of ${all} (--limit, --all)`;
  return count === 0 && format === 'table' ? 'nothing found' : null;
}

/**
 * Hands `take` at most `limit` rows, until it answers `false`. Returns whether there are more; where no total tells, by
 * looking for the next one.
 */
async function upTo<T>(
  limit: number | null,
  total: number | null,
  rows: Rows<T>,
  take: (row: T) => boolean | Promise<boolean>,
): Promise<boolean> {
  let count = 0;
  if (limit !== 0 || total === null) {
    for await (const row of rows) {
      if (count === limit) return true;
      if ((await take(row)) === false) return false;
      count += 1;
      if (count === limit && total !== null) break;
    }
  }
  return total !== null && count < total;
}

// Null when the reader left early, who needs no footer.
async function streamList<T extends object>(
  rows: Rows<T>,
  columns: readonly Column<T>[],
  { format, schema, limit, total }: ListOptions,
  terminal: Terminal,
): Promise<Shown | null> {
  const line = {
    csv: (row: T) => csvLine(columns.map((column) => safeCell(column, row))),
    ndjson: (row: T) => `${toJson(row, 0)}\n`,
    // As in one document made whole: every line of an item stands four further in.
    json: (row: T) => `${count === 0 ? '' : ','}\n    ${toJson(row).replaceAll('\n', '\n    ')}`,
    table: () => '',
  }[format];
  let pending = '';
  if (format === 'csv') pending = csvLine(columns.map((column) => column.key));
  if (format === 'json') pending = `{\n  "schema": ${toJson(schema)},\n  "items": [`;
  let count = 0;
  let hasLeft = false;
  const hasMore = await upTo(limit, total, rows, async (row) => {
    pending += line(row);
    count += 1;
    if (pending.length < CHUNK_LENGTH) return true;
    hasLeft = !(await terminal.write(pending));
    pending = '';
    return !hasLeft;
  });
  if (hasLeft) return null;
  if (format === 'json') {
    pending += `${count === 0 ? '' : '\n  '}],\n  "total": ${toJson(total)},\n  "hasMore": ${hasMore}\n}\n`;
  }
  return pending === '' || (await terminal.write(pending)) ? { count, hasMore } : null;
}

// Null when the reader left early.
async function streamTable<T extends object>(
  rows: Rows<T>,
  columns: readonly Column<T>[],
  { limit, total }: ListOptions,
  terminal: Terminal,
): Promise<Shown | null> {
  const format = tableInParts(columns, terminal);
  let part: T[] = [];
  let count = 0;
  let hasLeft = false;
  const hasMore = await upTo(limit, total, rows, async (row) => {
    part.push(row);
    count += 1;
    if (part.length < TABLE_PART) return true;
    hasLeft = !(await terminal.write(format(part)));
    part = [];
    return !hasLeft;
  });
  if (hasLeft) return null;
  return part.length === 0 || (await terminal.write(format(part))) ? { count, hasMore } : null;
}

function safeCell<T>(column: Column<T>, row: T): string | number | bigint | null {
  const value = csvCell(column, row);
  return typeof value === 'string' ? printable(value) : value;
}
