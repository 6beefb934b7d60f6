// How long a list is, told up to a bound: counting five million rows takes longer than showing fifty of them.
import type { Knex } from 'knex';
import { select } from './batch.ts';

/** So many rows are counted; of more it is only said that they are more. */
export const COUNTED_ROWS = 10_000;

type Bindings = readonly (string | number | null)[];

/** How many rows `rows`, a SELECT, gives; null for more than `limit`. */
export async function countUpTo(
  db: Knex,
  rows: string,
  bindings: Bindings = [],
  limit: number = COUNTED_ROWS,
): Promise<number | null> {
  const [row] = await select<{ n: number }>(db, `SELECT COUNT(*) AS n FROM (${rows} LIMIT ?)`, [
    ...bindings,
    limit + 1,
  ]);
  const count = row?.n ?? 0;
  return count > limit ? null : count;
}

/** How many rows of `table` hold `condition`, which no index finds; null where the table has too many to look at each. */
export async function countAmong(
  db: Knex,
  table: string,
  condition: string,
  bindings: Bindings,
): Promise<number | null> {
  const [row] = await select<{ n: number; looked: number }>(
    db,
    `SELECT COALESCE(SUM(hit), 0) AS n, COUNT(*) AS looked FROM (SELECT (${condition}) AS hit FROM ${table} LIMIT ?)`,
    [...bindings, COUNTED_ROWS + 1],
  );
  return row === undefined || row.looked > COUNTED_ROWS ? null : row.n;
}
