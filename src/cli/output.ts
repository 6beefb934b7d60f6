// Prints lists and single results in the format asked for. A list in csv or ndjson is written as it is read, so that
// its length costs no memory; a table or JSON document holds what its limit lets in.
import { csvLine } from '../audit/csv.ts';
import { type Cell, type Column, csvCell } from './columns.ts';
import { formatFields, formatTable } from './table.ts';
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
  /** How many rows there are in all, whatever the limit. */
  total: number;
}

/** Bytes gathered before a write: a system call per line would cost more than making the line. */
const CHUNK_LENGTH = 64 * 1024;

/** Prints `rows`, at most `limit` of them, and tells on stderr when there are more. */
export async function printList<T extends object>(
  rows: Rows<T>,
  columns: readonly Column<T>[],
  options: ListOptions,
  terminal: Terminal,
): Promise<void> {
  const { format, schema, total, limit } = options;
  let shown: number | null;
  if (format === 'csv' || format === 'ndjson') shown = await streamList(rows, columns, options, terminal);
  else {
    const items = await collect(rows, limit);
    shown = items.length;
    if (format === 'json') {
      await terminal.write(`${toJson({ schema, items, total, hasMore: items.length < total })}\n`);
      return;
    }
    if (shown > 0) await terminal.write(formatTable(items, columns, terminal));
  }
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

function footerOf(shown: number, { total, format }: ListOptions): string | null {
  if (shown < total) return `showing ${withThousands(shown)} of ${withThousands(total)} (--limit, --all)`;
  return shown === 0 && format === 'table' ? 'nothing found' : null;
}

async function collect<T>(rows: Rows<T>, limit: number | null): Promise<T[]> {
  const items: T[] = [];
  if (limit === 0) return items;
  for await (const row of rows) {
    items.push(row);
    if (items.length === limit) break;
  }
  return items;
}

// How many were printed; null when the reader left early, who needs no footer.
async function streamList<T extends object>(
  rows: Rows<T>,
  columns: readonly Column<T>[],
  { format, limit }: ListOptions,
  terminal: Terminal,
): Promise<number | null> {
  let pending = format === 'csv' ? csvLine(columns.map((column) => column.key)) : '';
  let count = 0;
  if (limit !== 0) {
    for await (const row of rows) {
      pending += format === 'csv' ? csvLine(columns.map((column) => safeCell(column, row))) : `${toJson(row, 0)}\n`;
      count += 1;
      if (count === limit) break;
      if (pending.length < CHUNK_LENGTH) continue;
      if (!(await terminal.write(pending))) return null;
      pending = '';
    }
  }
  return pending === '' || (await terminal.write(pending)) ? count : null;
}

function safeCell<T>(column: Column<T>, row: T): string | number | bigint | null {
  const value = csvCell(column, row);
  return typeof value === 'string' ? printable(value) : value;
}
