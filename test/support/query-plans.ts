// Listens to every statement that bursar sends to a book, and has SQLite tell how it would run them. Books have no ANALYZE
// statistics, so a plan follows from the schema and the text alone: a small book tells how a big one is read.
import SqliteClient from 'knex/lib/dialects/sqlite3/index.js';
import sqlite3 from 'sqlite3';

interface Listened {
  /** Distinct statements in the order of their first use. */
  statements: Set<string>;
  /** What only `work` asks is not listened to. */
  apart(work: () => Promise<void>): Promise<void>;
  stop(): void;
}

/** Listens to all connections of this process to the file at `path`. */
export function listenTo(path: string): Listened {
  const statements = new Set<string>();
  const { prototype } = SqliteClient;
  const { _query } = prototype;
  prototype._query = function (connection: { filename?: string }, query: { sql: string }) {
    if (connection.filename === path && /^\s*(SELECT|WITH|INSERT|UPDATE|DELETE)\b/i.test(query.sql)) {
      statements.add(query.sql);
    }
    return _query.call(this, connection, query);
  };
  return {
    statements,
    apart: async (work) => {
      const before = new Set(statements);
      await work();
      for (const sql of statements) if (!before.has(sql)) statements.delete(sql);
    },
    stop: () => {
      prototype._query = _query;
    },
  };
}

/** What is wrong with the plan of a statement: `SCAN charges`, `USE TEMP B-TREE FOR ORDER BY`. */
export interface PlanFault {
  sql: string;
  detail: string;
}

/** Explains every statement on the book at `path`. */
export async function planFaults(path: string, statements: Iterable<string>): Promise<PlanFault[]> {
  const db = new sqlite3.Database(path, sqlite3.OPEN_READONLY);
  const all = <T>(sql: string): Promise<T[]> =>
    new Promise((resolve, reject) => {
      db.all<T>(sql, (error, rows) => (error === null ? resolve(rows) : reject(new Error(`${error.message}: ${sql}`))));
    });
  try {
    const tables = await all<{ name: string }>(`SELECT name FROM sqlite_master WHERE type = 'table'`);
    const partial = await all<{ name: string }>(
      `SELECT i.name FROM sqlite_master t, pragma_index_list(t.name) i WHERE t.type = 'table' AND i.partial`,
    );
    const faults: PlanFault[] = [];
    for (const sql of statements) {
      const steps = await all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`);
      for (const { detail } of steps) {
        const isSort = detail.startsWith('USE TEMP B-TREE');
        if (isSort || isScan(detail, sql, names(tables), names(partial))) faults.push({ sql: oneLine(sql), detail });
      }
    }
    return faults;
  } finally {
    await new Promise((resolve) => db.close(resolve));
  }
}

const names = (rows: readonly { name: string }[]): Set<string> => new Set(rows.map(({ name }) => name));
const oneLine = (sql: string): string => sql.replaceAll(/\s+/g, ' ').trim();

/** One row, or as many as there are processes, gateways, accounts, months or runs. */
const SMALL = ['book', 'pauses', 'leases', 'accounts', 'closed_months', 'runs', 'clock_faults', 'sqlite_sequence'];

/**
 * Whether a step reads a whole table, or a whole index that holds as much. A partial index bounds what is read, and so does
 * the limit of a page without conditions, or of a count.
 */
function isScan(detail: string, sql: string, tables: Set<string>, partial: Set<string>): boolean {
  const [, scanned = ''] = /^SCAN (\S+)/.exec(detail) ?? [];
  if (scanned === '') return false;
  const [, index = ''] = /USING (?:COVERING )?INDEX (\S+)/.exec(detail) ?? [];
  const text = oneLine(sql);
  if (partial.has(index) || isCount(text) || isPage(text)) return false;
  const table = tableCalled(scanned, text, tables);
  return table !== null && !SMALL.includes(table);
}

/** As src/storage/count.ts asks: it looks at some thousand rows and no more. */
const isCount = (text: string): boolean => /^SELECT (COUNT|COALESCE).* FROM \(SELECT .* LIMIT \?\)$/.test(text);

/** A page of a whole table in the order of an index. */
const isPage = (text: string): boolean => /(WHERE 1|FROM \w+( \w)?) ORDER BY [^()]+ LIMIT (\?|1)$/.test(text);

/** What is no table is a list of values or a subquery, which is explained by itself. */
function tableCalled(name: string, text: string, tables: Set<string>): string | null {
  if (tables.has(name)) return name;
  const aliased = text.matchAll(new RegExp(`\\b(\\w+)(?: AS)? ${name}\\b`, 'g'));
  return [...aliased].map(([, table = '']) => table).find((table) => tables.has(table)) ?? null;
}
