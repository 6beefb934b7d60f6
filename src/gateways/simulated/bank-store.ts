// The bank's own SQLite file: the only place that queries it. One connection, used by one task at a time, because BEGIN
// IMMEDIATE and its statements must not be interleaved with another's. Each statement carries a whole batch as one JSON
// argument: a crossing into the driver costs more than the rows it moves.
import { open } from 'node:fs/promises';
import type { Knex } from 'knex';
import type { Clock } from '../../clock.ts';
import { assert } from '../../errors.ts';
import {
  type Cell,
  COLUMNS,
  fromExecuted,
  fromPayment,
  fromRecord,
  fromRefusal,
  toExecuted,
  toPayment,
  toRecord,
  toRefusal,
} from './bank-rows.ts';
import { prepareBankFile } from './bank-schema.ts';
import type { Executed, OperationRecord, Payment, Refusal } from './payment.ts';

/** Another process may hold the file for the length of its batch. */
const BUSY_TIMEOUT_MS = 5_000;

/** What one batch leaves behind. */
export interface BatchWrites {
  payments: readonly Payment[];
  records: readonly OperationRecord[];
  executed: readonly Executed[];
  refusals: readonly Refusal[];
}

/** Opens (and makes, readable by its owner only) the bank at `path`, or one in memory for `:memory:`. */
export async function openBankDatabase(path: string, clock: Clock): Promise<Knex> {
  if (path !== ':memory:') await (await open(path, 'a', 0o600)).close();
  const { default: knex } = await import('knex');
  // A pool of one, which is never let go: its pragmas, and a bank in memory, last.
  const pool = { min: 1, max: 1 };
  const db = knex({ client: 'sqlite3', connection: { filename: path }, useNullAsDefault: true, pool });
  try {
    await db.raw(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
    await prepareBankFile(db, path, clock);
    return db;
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

/** Runs `work` between BEGIN IMMEDIATE and COMMIT. knex's own transactions begin deferred, and fail when they write. */
export async function immediately<T>(db: Knex, work: () => Promise<T>): Promise<T> {
  await db.raw('begin immediate');
  try {
    const result = await work();
    await db.raw('commit');
    return result;
  } catch (error) {
    // On some errors (disk full) SQLite has rolled back by itself, and then says that there is nothing to roll back.
    await db.raw('rollback').catch(() => undefined);
    throw error;
  }
}

/** What one batch begins from. */
export interface BatchReads {
  payments: Payment[];
  /** Of the keys, and all of the payments that are viewed. */
  records: OperationRecord[];
  /** Whether someone has thrown the switch, in the file, so that it holds for every process at once. */
  refusesCredentials: boolean;
}

export async function loadBatch(
  db: Knex,
  asked: { paymentIds: Iterable<string>; keys: Iterable<string>; viewedIds: Iterable<string> },
): Promise<BatchReads> {
  const operations = (column: string) => `select * from operations where ${column} in (select value from json_each(?))`;
  const [row] = (await db.raw(
    `select
       (select json_group_array(json_array(${COLUMNS.payments.join(', ')})) from payments
         where id in (select value from json_each(?))) as payments,
       (select json_group_array(json_array(${COLUMNS.operations.join(', ')})) from
         (${operations('idempotency_key')} union ${operations('payment_id')})) as records,
       exists (select 1 from switches where name = 'refuse_credentials') as refuses`,
    [asked.paymentIds, asked.keys, asked.viewedIds].map((values) => JSON.stringify([...values])),
  )) as { payments: string; records: string; refuses: number }[];
  assert(row !== undefined, 'a select of values has one row');
  return {
    payments: (JSON.parse(row.payments) as Cell[][]).map(toPayment),
    records: (JSON.parse(row.records) as Cell[][]).map(toRecord),
    refusesCredentials: row.refuses === 1,
  };
}

export async function saveBatch(db: Knex, writes: BatchWrites): Promise<void> {
  await insertRows(db, 'payments', writes.payments.map(fromPayment));
  await insertRows(db, 'operations', writes.records.map(fromRecord));
  await insertRows(db, 'executed', writes.executed.map(fromExecuted));
  await insertRows(db, 'refusals', writes.refusals.map(fromRefusal));
}

/** A page of what was executed, in the order it was decided. `afterRow`: 0, or the page before's `lastRow`. */
export async function executedPage(
  db: Knex,
  page: { afterRow: number; sinceMs: number; untilMs: number; limit: number },
): Promise<{ lines: (Executed & { token: string })[]; lastRow: number }> {
  const rows = await jsonRows(
    db,
    `select json_group_array(json_array(${COLUMNS.executed.join(', ')}, token, id)) as lines from (
       select e.*, p.token from executed e join payments p on p.id = e.payment_id
        where e.id > ? and executed_at between ? and ? order by e.id limit ?)`,
    [page.afterRow, page.sinceMs, page.untilMs, page.limit],
  );
  const lines = rows.map((row) => ({ ...toExecuted(row), token: String(row[COLUMNS.executed.length]) }));
  return { lines, lastRow: Number(rows.at(-1)?.at(-1) ?? page.afterRow) };
}

export async function allRefusals(db: Knex): Promise<Refusal[]> {
  const select = `select json_group_array(json_array(${COLUMNS.refusals.join(', ')})) as lines`;
  return (await jsonRows(db, `${select} from (select * from refusals order by id)`, [])).map(toRefusal);
}

export async function countPayments(db: Knex): Promise<number> {
  const [row] = (await db.raw('select count(*) as payments from payments')) as { payments: number }[];
  return row?.payments ?? 0;
}

/**
 * Takes up to `wanted` requests from a bucket that fills at `perSecond` and holds one second's worth; returns how many
 * were admitted. It lives in the file, so that the processes of a book share one limit.
 */
export async function takeFromThrottle(db: Knex, wanted: number, perSecond: number, nowMs: number): Promise<number> {
  const [row] = (await db.raw('select tokens, filled_at from throttle')) as { tokens: number; filled_at: number }[];
  const filled = row === undefined ? perSecond : row.tokens + (Math.max(0, nowMs - row.filled_at) * perSecond) / 1000;
  const available = Math.min(perSecond, filled);
  const admitted = Math.min(wanted, Math.floor(available));
  await db.raw('insert or replace into throttle (id, tokens, filled_at) values (1, ?, ?)', [
    available - admitted,
    nowMs,
  ]);
  return admitted;
}

async function jsonRows(db: Knex, sql: string, bindings: readonly Cell[]): Promise<Cell[][]> {
  const [row] = (await db.raw(sql, bindings)) as { lines: string }[];
  return row === undefined ? [] : (JSON.parse(row.lines) as Cell[][]);
}

/** Rows with a known primary key replace it. jsonb: the text is parsed once, not once per column. */
async function insertRows(db: Knex, table: keyof typeof COLUMNS, rows: readonly Cell[][]): Promise<void> {
  if (rows.length === 0) return;
  const columns = COLUMNS[table];
  const cells = columns.map((_, index) => `value ->> ${index}`).join(', ');
  const sql = `insert or replace into ${table} (${columns.join(', ')}) select ${cells} from jsonb_each(jsonb(?))`;
  await db.raw(sql, [JSON.stringify(rows)]);
}
