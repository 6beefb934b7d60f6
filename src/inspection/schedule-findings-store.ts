// Schedules, charges and methods as `doctor` needs them: what fell due and nobody came, what was passed over, what can't
// be collected any more. Counted, and a few of them named.
import type { Knex } from 'knex';
import { select } from '../storage/batch.ts';
import { bigSum, fromBigSum } from '../storage/big-sum.ts';

export interface Overdue {
  count: number;
  /** The longest overdue; null where nothing is. */
  oldestId: string | null;
  oldestAt: number | null;
}

/** Active schedules whose next period fell due before `beforeMs` and that no run has come by for. */
export async function overdueSchedules(db: Knex, beforeMs: number): Promise<Overdue> {
  return overdue(
    db,
    `SELECT id, next_due_at AS at FROM schedules WHERE status = 'active' AND next_due_at IS NOT NULL AND next_due_at < ?`,
    beforeMs,
  );
}

/** Charges that were to be tried before `beforeMs`: pending ones, and failed ones with a time. */
export async function overdueCharges(db: Knex, beforeMs: number): Promise<Overdue> {
  return overdue(
    db,
    `SELECT id, due_at AS at FROM charges WHERE status = 'pending' AND due_at < ?1
     UNION ALL SELECT id, retry_at AS at FROM charges WHERE status = 'failed' AND retry_at IS NOT NULL AND retry_at < ?1`,
    beforeMs,
  );
}

/** `sql` gives id and `at`; it may name the time as often as it likes. */
async function overdue(db: Knex, sql: string, beforeMs: number): Promise<Overdue> {
  const times = sql.split(/\?1?/).length - 1;
  const [row] = await select<{ count: number; id: string | null; at: number | null }>(
    db,
    `SELECT COUNT(*) AS count, MIN(at) AS at, id FROM (${sql.replaceAll('?1', '?')})`,
    Array.from({ length: times }, () => beforeMs),
  );
  return { count: row?.count ?? 0, oldestId: row?.id ?? null, oldestAt: row?.at ?? null };
}

export interface Skipped {
  scheduleId: string;
  count: number;
  newest: string;
  reason: string;
}

/** Periods that runs passed over since, by schedule. */
export async function skippedSince(db: Knex, sinceMs: number, limit: number): Promise<Skipped[]> {
  return select<Skipped>(
    db,
    `SELECT schedule_id AS "scheduleId", COUNT(*) AS count, MAX(period) AS newest, reason FROM skipped_periods
      WHERE recorded_at >= ? GROUP BY schedule_id ORDER BY MAX(recorded_at) DESC, schedule_id LIMIT ?`,
    [sinceMs, limit],
  );
}

/** Word for word the condition of the index `charges_unfinished`, or SQLite doesn't use it. */
const UNFINISHED = `status IN ('authorized', 'settling', 'requires_action', 'failed', 'exhausted', 'unknown')`;
const WAITS = `${UNFINISHED} AND status = 'failed' AND retry_at IS NULL`;

export interface WaitingCharge {
  id: string;
  amount: number;
  currency: string;
  declineCode: string | null;
  customerId: string;
}

/** Failed charges that nothing will try again by itself: how many, and the newest of them. */
export async function waitingCharges(db: Knex, limit: number): Promise<{ count: number; newest: WaitingCharge[] }> {
  const [row] = await select<{ count: number }>(db, `SELECT COUNT(*) AS count FROM charges WHERE ${WAITS}`);
  const newest = await select<WaitingCharge>(
    db,
    `SELECT id, amount_minor AS amount, currency, decline_code AS "declineCode", customer_id AS "customerId"
       FROM charges WHERE ${WAITS} ORDER BY created_at DESC, id DESC LIMIT ?`,
    [limit],
  );
  return { count: row?.count ?? 0, newest };
}

export interface DeadMethod {
  id: string;
  customerId: string;
  /** Null for one that was removed. */
  blockedCode: string | null;
  schedules: number;
}

/** Methods that are blocked or removed and that active schedules still charge. Reads the schedules once. */
export async function deadMethodsInUse(db: Knex, limit: number): Promise<DeadMethod[]> {
  return select<DeadMethod>(
    db,
    `WITH dead AS MATERIALIZED (SELECT id, customer_id, blocked_code FROM payment_methods
                                 WHERE blocked_at IS NOT NULL OR removed_at IS NOT NULL)
     SELECT d.id, d.customer_id AS "customerId", d.blocked_code AS "blockedCode", COUNT(*) AS schedules
       FROM schedules s JOIN dead d ON d.id = s.method_id WHERE s.status = 'active' GROUP BY d.id ORDER BY d.id LIMIT ?`,
    [limit],
  );
}

export interface Named {
  name: string;
  schedules: number;
  charges: number;
}

/** Gateways that methods name, with the active schedules and open charges behind each that is not among `known`. */
export async function gatewaysNotAmong(db: Knex, known: readonly string[]): Promise<(Named & { methods: number })[]> {
  return select(
    db,
    `WITH named AS (
       SELECT gateway AS name, COUNT(*) AS methods FROM payment_methods WHERE removed_at IS NULL
         AND gateway NOT IN (SELECT value FROM json_each(?)) GROUP BY gateway),
     open AS (
       SELECT gateway AS name, COUNT(*) AS charges FROM (
           SELECT gateway FROM charges WHERE status = 'pending'
           UNION ALL SELECT gateway FROM charges WHERE ${UNFINISHED} AND status <> 'exhausted')
        WHERE gateway NOT IN (SELECT value FROM json_each(?)) GROUP BY gateway)
     SELECT name, MAX(methods) AS methods, MAX(charges) AS charges,
            CASE WHEN MAX(methods) = 0 THEN 0 ELSE (SELECT COUNT(*) FROM schedules s JOIN payment_methods m
              ON m.id = s.method_id WHERE s.status = 'active' AND m.gateway = name) END AS schedules
       FROM (SELECT name, methods, 0 AS charges FROM named UNION ALL SELECT name, 0, charges FROM open)
      GROUP BY name ORDER BY name`,
    [JSON.stringify(known), JSON.stringify(known)],
  );
}

/** Policies that active schedules or uncollected charges name and that are not among `known`. */
export async function policiesNotAmong(db: Knex, known: readonly string[]): Promise<Named[]> {
  return select<Named>(
    db,
    `SELECT name, SUM(schedules) AS schedules, SUM(charges) AS charges FROM (
         SELECT policy AS name, COUNT(*) AS schedules, 0 AS charges FROM schedules
          WHERE status IN ('active', 'paused') GROUP BY policy
         UNION ALL SELECT policy, 0, COUNT(*) FROM charges WHERE status = 'pending' GROUP BY policy
         UNION ALL SELECT policy, 0, COUNT(*) FROM charges WHERE ${UNFINISHED} AND status = 'failed' GROUP BY policy)
      WHERE name NOT IN (SELECT value FROM json_each(?)) GROUP BY name ORDER BY name`,
    [JSON.stringify(known)],
  );
}

/** What is not collected yet of the charges that are overdue, per currency, minor units. */
export async function overdueAmounts(db: Knex, beforeMs: number): Promise<{ currency: string; amountMinor: bigint }[]> {
  const rows = await select<{ currency: string; amount: string }>(
    db,
    `SELECT currency, ${bigSum('amount_minor')} AS amount FROM (
         SELECT currency, amount_minor FROM charges WHERE status = 'pending' AND due_at < ?
         UNION ALL SELECT currency, amount_minor FROM charges
           WHERE status = 'failed' AND retry_at IS NOT NULL AND retry_at < ?)
      GROUP BY currency ORDER BY currency`,
    [beforeMs, beforeMs],
  );
  return rows.map(({ currency, amount }) => ({ currency, amountMinor: fromBigSum(amount) }));
}
