// Prints lists and single results in the format asked for. A list in csv or ndjson is written as it is read, so that
// its length costs no memory; a table or JSON document holds what its limit lets in.
import { csvLine } from '../audit/csv.ts';
import { COUNTED_ROWS } from '../storage/count.ts';
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
  /** How many rows there are in all, whatever the limit; null for more than are counted. */
  total: number | null;
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
  let shown: Shown | null;
  if (format === 'csv' || format === 'ndjson') shown = await streamList(rows, columns, options, terminal);
  else {
    const items: T[] = [];
    const hasMore = await upTo(limit, total, rows, (row) => items.push(row) > 0);
    shown = { count: items.length, hasMore };
    if (format === 'json') {
      await terminal.write(`${toJson({ schema, items, total, hasMore })}\n`);
      return;
    }
    if (items.length > 0) await terminal.write(formatTable(items, columns, terminal));
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
  { format, limit, total }: ListOptions,
  terminal: Terminal,
): Promise<Shown | null> {
  let pending = format === 'csv' ? csvLine(columns.map((column) => column.key)) : '';
  let count = 0;
  let hasLeft = false;
  const hasMore = await upTo(limit, total, rows, async (row) => {
    pending += format === 'csv' ? csvLine(columns.map((column) => safeCell(column, row))) : `${toJson(row, 0)}\n`;
    count += 1;
    if (pending.length < CHUNK_LENGTH) return true;
    hasLeft = !(await terminal.write(pending));
    pending = '';
    return !hasLeft;
  });
  if (hasLeft) return null;
  return pending === '' || (await terminal.write(pending)) ? { count, hasMore } : null;
}

function safeCell<T>(column: Column<T>, row: T): string | number | bigint | null {
  const value = csvCell(column, row);
  return typeof value === 'string' ? printable(value) : value;
}
