// What the database engine itself finds wrong with the file of a book: damaged pages, indexes that disagree with their
// tables, rows that point to nothing.
import type { Knex } from 'knex';
import { select } from './batch.ts';

/** The engine's own words, at most `limit` of them. `deep` also compares every index with its table. */
export async function integrityProblems(db: Knex, deep: boolean, limit: number): Promise<string[]> {
  const check = deep ? 'integrity_check' : 'quick_check';
  const rows = await select<Record<string, string>>(db, `PRAGMA ${check}(${limit})`);
  return rows.flatMap((row) => Object.values(row)).filter((text) => text !== 'ok');
}

export interface DanglingRow {
  table: string;
  rowid: number | null;
  parent: string;
}

/** Rows whose foreign key names a row that isn't there. */
export async function danglingRows(db: Knex, limit: number): Promise<DanglingRow[]> {
  return select<DanglingRow>(db, 'SELECT "table", rowid, parent FROM pragma_foreign_key_check LIMIT ?', [limit]);
}
