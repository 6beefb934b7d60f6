// What goes on with a payment method: its schedules and the charges that are not finished. No index leads by method, so
// these read the partial indexes of what is unfinished, which stay small in a book of any size.
import type { Knex } from 'knex';
import { select } from '../storage/batch.ts';

const GOING_ON = `status IN ('active', 'paused')`;

/** Ids of active and paused schedules that charge this method, which is of their own customer. */
export function scheduleIdsUsing(db: Knex, methodId: string): Promise<string[]> {
  return ids(
    db,
    [
      `SELECT id FROM schedules WHERE customer_id = (SELECT customer_id FROM payment_methods WHERE id = ?) AND method_id = ?
         AND ${GOING_ON}`,
    ],
    methodId,
  );
}

/** Ids of charges that wait to be collected with this method: not sent yet, or failed. None has an open attempt. */
export function waitingChargeIds(db: Knex, methodId: string): Promise<string[]> {
  const failed = `SELECT id FROM charges WHERE ${UNFINISHED} AND status = 'failed' AND method_id = ?`;
  return ids(db, [PENDING, failed], methodId);
}

/** Ids of charges that still need this method: those that wait, are authorized, or have an attempt under way. */
export function unfinishedChargeIds(db: Knex, methodId: string): Promise<string[]> {
  return ids(
    db,
    [
      PENDING,
      `SELECT id FROM charges WHERE ${UNFINISHED} AND status <> 'exhausted' AND method_id = ?`,
      `SELECT charge_id AS id FROM attempts WHERE method_id = ?
         AND (outcome IS NULL OR outcome IN ('unknown', 'settling', 'requires_action'))`,
    ],
    methodId,
  );
}

const PENDING = `SELECT id FROM charges WHERE status = 'pending' AND method_id = ?`;

/** Word for word the condition of the index `charges_unfinished`, or SQLite doesn't use it. */
const UNFINISHED = `status IN ('authorized', 'settling', 'requires_action', 'failed', 'exhausted', 'unknown')`;

/** What any of `queries` finds, sorted: asked to sort, SQLite would walk every id. Each question mark is the method. */
async function ids(db: Knex, queries: readonly string[], methodId: string): Promise<string[]> {
  const sql = queries.join(' UNION ALL ');
  const bindings = [...sql].filter((letter) => letter === '?').map(() => methodId);
  const rows = await select<{ id: string }>(db, sql, bindings);
  return [...new Set(rows.map(({ id }) => id))].sort();
}
