// Lists of attempts: page by page, newest first.
import type { Knex } from 'knex';
import { select } from '../storage/batch.ts';
import { countUpTo } from '../storage/count.ts';
import type { Attempt, AttemptOutcome } from './attempt.ts';
import { type AttemptRow, OPEN, toAttempt } from './attempts-store.ts';

export interface AttemptFilter {
  chargeId?: string;
  open?: boolean;
  outcome?: AttemptOutcome;
}

/** One page, newest first; `before` is the last attempt of the page before. */
export async function attemptPage(
  db: Knex,
  filter: AttemptFilter,
  limit: number,
  before?: Attempt,
): Promise<Attempt[]> {
  const { sql, bindings } = attemptWhere(filter);
  const cursor = before === undefined ? '' : ' AND id < ?';
  const rows = await select<AttemptRow>(db, `SELECT * FROM attempts ${sql}${cursor} ORDER BY id DESC LIMIT ?`, [
    ...bindings,
    ...(before === undefined ? [] : [before.id]),
    limit,
  ]);
  return rows.map(toAttempt);
}

export function countAttempts(db: Knex, filter: AttemptFilter): Promise<number | null> {
  const { sql, bindings } = attemptWhere(filter);
  return countUpTo(db, `SELECT 1 FROM attempts ${sql}`, bindings);
}

/** The words of the partial indexes stand in the text, or SQLite doesn't use them. */
function attemptWhere(filter: AttemptFilter): { sql: string; bindings: string[] } {
  const where: string[] = [];
  const bindings: string[] = [];
  if (filter.chargeId !== undefined) {
    where.push('charge_id = ?');
    bindings.push(filter.chargeId);
  }
  if (filter.outcome !== undefined) {
    where.push(filter.outcome === 'approved' ? 'outcome = ?' : `outcome = ? AND outcome <> 'approved'`);
    bindings.push(filter.outcome);
  }
  if (filter.open === true) where.push(OPEN);
  // There are never many open attempts, so they are sorted rather than looked for from the newest attempt on.
  const index = filter.open === true && filter.chargeId === undefined ? 'INDEXED BY attempts_open ' : '';
  return { sql: `${index}WHERE ${where.length === 0 ? '1' : where.join(' AND ')}`, bindings };
}
