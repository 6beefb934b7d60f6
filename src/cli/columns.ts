// How a list's rows become cells. One description serves the table (what a person reads) and the CSV file (what a
// machine reads: every column, raw values under the names that the JSON document uses).
import { withThousands } from './text.ts';

export type Cell = string | number | bigint | boolean | null | undefined;

export interface Column<T> {
  /** The field's name in the JSON document, and its heading in CSV. */
  key: string;
  /** Heading in the table; the key in capitals, words apart, unless given. */
  header?: string;
  /** What the table shows; the row's own field unless given. */
  cell?: (row: T) => Cell;
  align?: 'left' | 'right';
  /** Which end gives way on a narrow screen. Ids lose their start, since their ending is what may be typed. */
  shorten?: 'start' | 'end' | 'never';
  /** False for what only CSV carries. */
  inTable?: boolean;
}

/** A column of ids: on a narrow screen the ending stays. */
export function idColumn<T>(key: string, header?: string): Column<T> {
  return { key, shorten: 'start', ...(header === undefined ? {} : { header }) };
}

/** A column of amounts or counts, to the right; never shortened, since half a number is a wrong number. */
export function numberColumn<T>(key: string, cell?: (row: T) => Cell): Column<T> {
  return { key, align: 'right', shorten: 'never', ...(cell === undefined ? {} : { cell }) };
}

/** `capturedMinor` as `CAPTURED MINOR`. */
export function headerOf(column: { key: string; header?: string }): string {
  return column.header ?? column.key.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toUpperCase();
}

/** The text of a cell in a table; what is absent is a dash. */
export function tableCell<T>(column: Column<T>, row: T): string {
  const value = column.cell === undefined ? toCell(fieldOf(row, column.key)) : column.cell(row);
  if (value === null || value === undefined || value === '') return '-';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return typeof value === 'string' ? value : withThousands(value);
}

/** The value of a cell in CSV: the row's own field when it has one. */
export function csvCell<T>(column: Column<T>, row: T): string | number | bigint | null {
  const field = fieldOf(row, column.key);
  const value = field === undefined && column.cell !== undefined ? column.cell(row) : toCell(field);
  if (value === undefined || value === null) return null;
  // csvLine takes integers only: what has a fraction goes as text.
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value))) return value;
  return String(value);
}

function fieldOf(row: unknown, key: string): unknown {
  return typeof row === 'object' && row !== null ? (row as Record<string, unknown>)[key] : undefined;
}

// What a row nests (metadata, postings) is JSON inside its cell.
function toCell(value: unknown): Cell {
  if (value === null || value === undefined) return null;
  if (typeof value === 'object') return JSON.stringify(value);
  return typeof value === 'function' || typeof value === 'symbol' ? String(value) : (value as Cell);
}
