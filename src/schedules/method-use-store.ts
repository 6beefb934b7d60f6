// What goes on with a payment method: its schedules and the charges that are not finished. No index leads by method, so
// these read the partial indexes of what is unfinished, which stay small in a book of any size.
import type { Knex } from 'knex';
import { select } from '../storage/batch.ts';

const GOING_ON = `status IN ('active', 'paused')`;

/** Ids of active and paused schedules that charge this method. */
export function scheduleIdsUsing(db: Knex, methodId: string): Promise<string[]> {
  return ids(db, `SELECT id FROM schedules WHERE method_id = ? AND ${GOING_ON} ORDER BY id`, methodId);
}

/** Ids of charges that wait to be collected with this method: not sent yet, or failed. None has an open attempt. */
export function waitingChargeIds(db: Knex, methodId: string): Promise<string[]> {
  return ids(
    db,
    `SELECT id FROM charges WHERE status = 'pending' AND method_id = ?
     UNION ALL SELECT id FROM charges WHERE ${UNFINISHED} AND status = 'failed' AND method_id = ? ORDER BY id`,
    methodId,
  );
}

/** Ids of charges that still need this method: those that wait, are authorized, or have an attempt under way. */
export function unfinishedChargeIds(db: Knex, methodId: string): Promise<string[]> {
  return ids(
    db,
    `SELECT id FROM charges WHERE status = 'pending' AND method_id = ?
     UNION SELECT id FROM charges WHERE ${UNFINISHED} AND status <> 'exhausted' AND method_id = ?
     UNION SELECT charge_id FROM attempts WHERE method_id = ?
       AND (outcome IS NULL OR outcome IN ('unknown', 'settling', 'requires_action')) ORDER BY id`,
    methodId,
  );
}

/** Word for word the condition of the index `charges_unfinished`, or SQLite doesn't use it. */
const UNFINISHED = `status IN ('authorized', 'settling', 'requires_action', 'failed', 'exhausted', 'unknown')`;

/** Every question mark in `sql` stands for the method. */
async function ids(db: Knex, sql: string, methodId: string): Promise<string[]> {
  const bindings = sql
    .split('?')
    .slice(1)
    .map(() => methodId);
  return (await select<{ id: string }>(db, sql, bindings)).map(({ id }) => id);
}
