// Whole batches as one statement with one JSON argument: what costs is the crossing into the driver, not the database
// (measured: a row at a time reaches 0.04 of a C floor, one statement per table and batch 0.38). Stores use these and
// never name a dialect.
import type { Knex } from 'knex';

export type Cell = string | number | null;
export type Row = readonly Cell[];

/** A derived table `(…) ` of the given rows, to join or insert from, with its one binding. */
export function rowsFrom(columns: readonly string[], rows: readonly Row[]): { sql: string; binding: string } {
  const picks = columns.map((column, index) => `value->>${index} AS ${column}`);
  return { sql: `(SELECT ${picks.join(', ')} FROM json_each(?))`, binding: jsonText(rows) };
}

/** Inserts all rows with one statement, in their order. */
export async function insertRows(
  db: Knex,
  table: string,
  columns: readonly string[],
  rows: readonly Row[],
): Promise<void> {
  if (rows.length === 0) return;
  const picks = columns.map((_, index) => `value->>${index}`);
  await db.raw(`INSERT INTO ${table} (${columns.join(', ')}) SELECT ${picks.join(', ')} FROM json_each(?)`, [
    jsonText(rows),
  ]);
}

/**
 * Rows as JSON. Half of a surrogate pair becomes U+FFFD, as it does in any UTF-8: SQLite would take its escape (`\ud800`)
 * for three bytes that are no UTF-8, and what is read back would have another hash than what was written.
 */
function jsonText(rows: readonly Row[]): string {
  const json = JSON.stringify(rows);
  if (!json.includes('\\ud')) return json;
  return JSON.stringify(rows, (_key, value: unknown) =>
    typeof value === 'string' ? Buffer.from(value, 'utf8').toString('utf8') : value,
  );
}

/**
 * Updates rows by key with one statement and returns how many it found. `columns[0]` is the key; `guards` name columns
 * that must still hold the value given for them (`<column>_was` in the rows).
 */
export async function updateRows(
  db: Knex,
  table: string,
  columns: readonly string[],
  rows: readonly Row[],
  guards: readonly string[] = [],
): Promise<number> {
  if (rows.length === 0) return 0;
  const [key, ...rest] = columns;
  const sets = rest.filter((column) => !column.endsWith('_was')).map((column) => `${column} = news.${column}`);
  const expected = guards.map((column) => ` AND ${table}.${column} IS news.${column}_was`).join('');
  const news = rowsFrom(columns, rows);
  const updated: unknown[] = await db.raw(
    `UPDATE ${table} SET ${sets.join(', ')} FROM ${news.sql} AS news WHERE ${table}.${key} = news.${key}${expected} RETURNING 1`,
    [news.binding],
  );
  return updated.length;
}

/** The `IN` list of any length as one binding: `WHERE id IN ${inList}`. */
export const inList = '(SELECT value FROM json_each(?))';

export function listBinding(values: readonly Cell[]): string {
  return JSON.stringify(values);
}

/** Rows of a raw select, typed by the store that decodes them. */
export async function select<T>(
  db: Knex,
  sql: string,
  bindings: readonly (string | number | null)[] = [],
): Promise<T[]> {
  return (await db.raw(sql, bindings as Knex.RawBinding[])) as T[];
}

/** Cuts what would be too long for one statement; 1,000 rows is where the gain of larger batches ends (measured). */
export function* chunks<T>(items: readonly T[], size = 1000): Generator<T[]> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size);
}
