// Whole batches as one statement with one JSON argument: what costs is the crossing into the driver, not the database
// (measured: a row at a time reaches 0.04 of a C floor, one statement per table and batch ten times that). Stores use
// these and never name a dialect.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Knex } from 'knex';
import { assert } from '../errors.ts';

export type Cell = string | number | null;
export type Row = readonly Cell[];

/** One statement that writes a batch, ready to run. */
export interface Write {
  sql: string;
  bindings: readonly Cell[];
  /** Throws if it did not find what it was to change. `rows`: what it returned. */
  check?: (rows: readonly unknown[]) => void;
}

// jsonb: the text is parsed once and not again for every column of every row (0.6 of the time).
const EACH_ROW = 'jsonb_each(jsonb(?))';

/** A derived table `(…) ` of the given rows, to join or insert from, with its bindings. */
export function rowsFrom(columns: readonly string[], rows: readonly Row[]): { sql: string; bindings: readonly Cell[] } {
  const { picks, bindings } = picksOf(columns, rows);
  const named = columns.map((column, index) => `${picks[index]} AS ${column}`);
  return { sql: `(SELECT ${named.join(', ')} FROM ${EACH_ROW})`, bindings };
}

/**
 * An expression for each column of the rows. What is the same in all of them is bound once, beside the JSON of the rest:
 * half of what the rows of a batch say.
 */
function picksOf(columns: readonly string[], rows: readonly Row[]): { picks: string[]; bindings: readonly Cell[] } {
  const constants: Cell[] = [];
  const varying: number[] = [];
  const picks = columns.map((_, index) => {
    const first = rows[0]?.[index] ?? null;
    if (rows.every((row) => row[index] === first)) {
      constants.push(first);
      return '?';
    }
    varying.push(index);
    return `value->>${varying.length - 1}`;
  });
  const json = jsonText(rows.map((row) => varying.map((index) => row[index] ?? null)));
  return { picks, bindings: [...constants.map(storable), json] };
}

/**
 * What inserts all rows, in their order; null for none. Columns that are null in all of them are left out: no column that
 * may be null has a default.
 */
export function insertion(table: string, columns: readonly string[], rows: readonly Row[]): Write | null {
  if (rows.length === 0) return null;
  const { picks, bindings } = picksOf(columns, rows);
  const filled = [...columns.keys()].filter((index) => picks[index] !== '?' || rows[0]?.[index] !== null);
  return {
    sql: `INSERT INTO ${table} (${filled.map((index) => columns[index]).join(', ')}) SELECT ${filled.map((index) => picks[index]).join(', ')} FROM ${EACH_ROW}`,
    bindings: bindings.filter((binding) => binding !== null),
  };
}

/** Inserts all rows with one statement, in their order. */
export async function insertRows(
  db: Knex,
  table: string,
  columns: readonly string[],
  rows: readonly Row[],
): Promise<void> {
  await write(db, insertion(table, columns, rows));
}

/**
 * What updates rows by key; null for none. `columns[0]` is the key; `guards` name columns that must still hold the value
 * given for them (`<column>_was` in the rows). It throws, when run, if it did not find all of them.
 */
export function updating(
  table: string,
  columns: readonly string[],
  rows: readonly Row[],
  guards: readonly string[] = [],
): Write | null {
  if (rows.length === 0) return null;
  const [key, ...rest] = columns;
  const sets = rest.filter((column) => !column.endsWith('_was')).map((column) => `${column} = news.${column}`);
  const expected = guards.map((column) => ` AND ${table}.${column} IS news.${column}_was`).join('');
  const news = rowsFrom(columns, rows);
  return {
    sql: `UPDATE ${table} SET ${sets.join(', ')} FROM ${news.sql} AS news WHERE ${table}.${key} = news.${key}${expected} RETURNING 1`,
    bindings: news.bindings,
    check: ({ length }) =>
      assert(length === rows.length, `${table} changed under the writer: ${rows.length - length} of ${rows.length}`),
  };
}

/** Updates rows by key with one statement, as `updating` says. */
export async function updateRows(
  db: Knex,
  table: string,
  columns: readonly string[],
  rows: readonly Row[],
  guards: readonly string[] = [],
): Promise<void> {
  await write(db, updating(table, columns, rows, guards));
}

export async function write(db: Knex, statement: Write | null): Promise<void> {
  if (statement === null) return;
  const rows = (await db.raw(statement.sql, statement.bindings as Knex.RawBinding[])) as unknown[];
  statement.check?.(rows);
}

/** What builds a statement, or nothing. */
export type Build = () => Write | null;

/** A batch is planned and written in parts of so many, so that one part is planned while the one before is written. */
export const PART = 250;

/** What is planned, or hashed, in one turn of the event loop: longer ones keep the database's thread waiting. */
const TURN = 50;
/** Audit rows are hashed as they are written. */
export const AUDIT_PART = 125;

/** The items, with a turn of the event loop between some of them. */
export async function* inTurns<T>(items: readonly T[]): AsyncGenerator<T[]> {
  for (const some of chunks(items, TURN)) {
    yield some;
    await nextTurn();
  }
}

/** Statements that are built and wait for their turn, at most. */
const AHEAD = 8;

/**
 * Runs the statements in their order. They are built, and what `builds` does to come up with them is done, while those
 * before are at work in the database's own thread: on two cores that costs next to nothing. Behind a failure none runs, and
 * whatever fails, none is at work any more once it is told: behind a rollback it would stand for itself.
 */
export async function writeInOrder(db: Knex, builds: Iterable<Build> | AsyncIterable<Build>): Promise<void> {
  const waiting: Promise<void>[] = [];
  let hasFailed = false;
  let last: Promise<void> = Promise.resolve();
  try {
    for await (const build of builds) {
      const statement = build();
      if (statement === null) continue;
      last = last.then(() => (hasFailed ? undefined : write(db, statement)));
      // Its failure is met below.
      last.catch(() => undefined);
      waiting.push(last);
      if (waiting.length > AHEAD) await waiting.shift();
      // A turn of the event loop lets one begin that has waited for this.
      await nextTurn();
    }
    await last;
  } catch (error) {
    hasFailed = true;
    await last.catch(() => undefined);
    throw error;
  }
}

/**
 * Rows as JSON. Half of a surrogate pair becomes U+FFFD, as it does in any UTF-8: SQLite would take its escape (`\ud800`)
 * for three bytes that are no UTF-8, and what is read back would have another hash than what was written.
 */
function jsonText(rows: readonly Row[]): string {
  const json = JSON.stringify(rows);
  if (!json.includes('\\ud')) return json;
  return JSON.stringify(rows, (_key, value: unknown) => (typeof value === 'string' ? storable(value) : value));
}

function storable<T extends Cell>(cell: T): T | string {
  return typeof cell === 'string' ? Buffer.from(cell, 'utf8').toString('utf8') : cell;
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

/**
 * The same of columns of one table, as one JSON text: of a row of 38 columns the driver makes an object in 25 µs, JSON in
 * 4 (measured). `rest` is what stands behind FROM.
 */
export async function selectBatch<T>(
  db: Knex,
  columns: readonly string[],
  rest: string,
  bindings: readonly (string | number | null)[] = [],
): Promise<T[]> {
  const members = columns.map((column) => `'${column}', ${column}`);
  const [found] = await select<{ batch: string }>(
    db,
    `SELECT json_group_array(json_object(${members.join(', ')})) AS batch FROM ${rest}`,
    bindings,
  );
  return found === undefined ? [] : (JSON.parse(found.batch) as T[]);
}

/** Cuts what would be too long for one statement; 1,000 rows is where the gain of larger batches ends (measured). */
export function* chunks<T>(items: readonly T[], size = 1000): Generator<T[]> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size);
}
