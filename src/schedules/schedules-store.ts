// Schedules and skipped periods in the book.

import type { Knex } from 'knex';
import { assert } from '../errors.ts';
import {
  type Cell,
  inList,
  insertion,
  insertRows,
  listBinding,
  select,
  updateRows,
  type Write,
  write,
} from '../storage/batch.ts';
import { bigSum, fromBigSum } from '../storage/big-sum.ts';
import { countUpTo } from '../storage/count.ts';
import { lockClause } from '../storage/dialect.ts';
import type { IntervalUnit, Occurrence, Recurrence } from './recurrence.ts';
import type { Schedule, ScheduleStatus } from './schedule.ts';

const COLUMNS: readonly [string, (schedule: Schedule) => Cell][] = [
  ['id', (s) => s.id],
  ['customer_id', (s) => s.customerId],
  ['method_id', (s) => s.methodId],
  ['amount_minor', (s) => Number(s.amountMinor)],
  ['currency', (s) => s.currency],
  ['every_count', (s) => s.recurrence.every?.count ?? null],
  ['every_unit', (s) => s.recurrence.every?.unit ?? null],
  ['on_rule', (s) => s.recurrence.on],
  ['time_of_day', (s) => s.recurrence.time],
  ['start_date', (s) => s.recurrence.start],
  ['at_local', (s) => s.recurrence.at],
  ['timezone', (s) => s.recurrence.timezone],
  ['policy', (s) => s.policy],
  ['status', (s) => s.status],
  ['description', (s) => s.description],
  ['metadata', (s) => JSON.stringify(s.metadata)],
  ['idempotency_key', (s) => s.idempotencyKey],
  ['request_hash', (s) => s.requestHash],
  ['paid_through', (s) => s.paidThrough],
  ['next_index', (s) => s.next?.index ?? null],
  ['next_period', (s) => s.next?.period ?? null],
  ['next_due_at', (s) => s.next?.dueAtMs ?? null],
  ['version', (s) => s.version],
  ['created_at', (s) => s.createdAt],
  ['updated_at', (s) => s.updatedAt],
];

const CHANGING = ['method_id', 'status', 'next_index', 'next_period', 'next_due_at', 'version', 'updated_at'];

export async function insertSchedules(trx: Knex, schedules: readonly Schedule[]): Promise<void> {
  await write(trx, schedulesInsertion(schedules));
}

export function schedulesInsertion(schedules: readonly Schedule[]): Write | null {
  return insertion(
    'schedules',
    COLUMNS.map(([column]) => column),
    schedules.map((schedule) => COLUMNS.map(([, cell]) => cell(schedule))),
  );
}

/** Writes changed schedules, each of which must still have the version before its own. */
export async function updateSchedules(trx: Knex, schedules: readonly Schedule[]): Promise<void> {
  const changing = COLUMNS.filter(([column]) => CHANGING.includes(column));
  await updateRows(
    trx,
    'schedules',
    ['id', ...changing.map(([column]) => column), 'version_was'],
    schedules.map((schedule) => [schedule.id, ...changing.map(([, cell]) => cell(schedule)), schedule.version - 1]),
    ['version'],
  );
}

interface ScheduleRow extends Record<string, Cell> {
  id: string;
  status: ScheduleStatus;
  every_unit: IntervalUnit | null;
}

function toSchedule(row: ScheduleRow): Schedule {
  const text = (column: string): string => String(row[column]);
  const maybe = (column: string): string | null => (row[column] === null ? null : text(column));
  return {
    id: row.id,
    customerId: text('customer_id'),
    methodId: text('method_id'),
    amountMinor: BigInt(text('amount_minor')),
    currency: text('currency'),
    recurrence: recurrenceOf(row),
    policy: text('policy'),
    status: row.status,
    description: maybe('description'),
    metadata: JSON.parse(text('metadata')) as Record<string, string>,
    idempotencyKey: maybe('idempotency_key'),
    requestHash: maybe('request_hash'),
    paidThrough: maybe('paid_through'),
    next: nextOf(row),
    version: Number(row.version),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  };
}

function recurrenceOf(row: ScheduleRow): Recurrence {
  const maybe = (column: string): string | null => (row[column] === null ? null : String(row[column]));
  return {
    every: row.every_unit === null ? null : { count: Number(row.every_count), unit: row.every_unit },
    on: maybe('on_rule'),
    time: String(row.time_of_day),
    start: String(row.start_date),
    at: maybe('at_local'),
    timezone: String(row.timezone),
  };
}

function nextOf(row: ScheduleRow): Occurrence | null {
  if (row.next_index === null) return null;
  return { index: Number(row.next_index), period: String(row.next_period), dueAtMs: Number(row.next_due_at) };
}

export async function schedulesById(db: Knex, ids: readonly string[]): Promise<Map<string, Schedule>> {
  const rows = await select<ScheduleRow>(db, `SELECT * FROM schedules WHERE id IN ${inList} ${lockClause(db)}`, [
    listBinding(ids),
  ]);
  return new Map(rows.map((row) => [row.id, toSchedule(row)]));
}

export async function scheduleByIdempotencyKey(db: Knex, key: string): Promise<Schedule | null> {
  const [row] = await select<ScheduleRow>(db, 'SELECT * FROM schedules WHERE idempotency_key = ?', [key]);
  return row === undefined ? null : toSchedule(row);
}

/** The request hashes of the schedules that were made under these keys. */
export async function scheduleHashesByKey(db: Knex, keys: readonly string[]): Promise<Map<string, EarlierRequest>> {
  const rows = await select<EarlierRequest & { key: string }>(
    db,
    `SELECT idempotency_key AS key, id, request_hash AS requestHash FROM schedules WHERE idempotency_key IN ${inList}`,
    [listBinding(keys)],
  );
  return new Map(rows.map(({ key, id, requestHash }) => [key, { id, requestHash }]));
}

/** Where a schedule stands among those that are due. */
export interface DueSchedule {
  id: string;
  dueAtMs: number;
}

const DUE = `status = 'active' AND next_due_at IS NOT NULL AND next_due_at <= ?`;

/** Active schedules whose next period is due at `asOfMs`, in the order in which they fall due, from behind `after`. */
export async function dueSchedules(
  db: Knex,
  asOfMs: number,
  limit: number,
  after?: DueSchedule,
): Promise<DueSchedule[]> {
  const cursor = after === undefined ? '' : 'AND (next_due_at, id) > (?, ?)';
  const rows = await select<{ id: string; next_due_at: number }>(
    db,
    `SELECT id, next_due_at FROM schedules WHERE ${DUE} ${cursor} ORDER BY next_due_at, id LIMIT ?`,
    [asOfMs, ...(after === undefined ? [] : [after.dueAtMs, after.id]), limit],
  );
  return rows.map((row) => ({ id: row.id, dueAtMs: row.next_due_at }));
}

/** Schedules that have the same periods due, counted. */
export interface DueGroup {
  recurrence: Recurrence;
  next: Occurrence;
  currency: string;
  count: number;
  /** Of one period of each of them. */
  amountMinor: bigint;
}

/**
 * The schedules from behind `after` to `last` that are due, as groups of one recurrence and next period: a row of a
 * schedule takes 34 µs to read, and most schedules of a day are alike in all that counting their periods asks for.
 */
export async function dueGroups(db: Knex, after: DueSchedule | undefined, last: DueSchedule): Promise<DueGroup[]> {
  const cursor = after === undefined ? '' : 'AND (next_due_at, id) > (?, ?)';
  const alike = `every_count, every_unit, on_rule, time_of_day, start_date, at_local, timezone, next_index, next_period,
    next_due_at, currency`;
  const rows = await select<ScheduleRow>(
    db,
    `SELECT ${alike}, COUNT(*) AS n, ${bigSum('amount_minor')} AS amount FROM schedules
      WHERE ${DUE} AND (next_due_at, id) <= (?, ?) ${cursor} GROUP BY ${alike}`,
    [last.dueAtMs, last.dueAtMs, last.id, ...(after === undefined ? [] : [after.dueAtMs, after.id])],
  );
  return rows.map((row) => {
    const next = nextOf(row);
    assert(next !== null, 'a due schedule has a next period');
    return {
      recurrence: recurrenceOf(row),
      next,
      currency: String(row.currency),
      count: Number(row.n),
      amountMinor: fromBigSum(String(row.amount)),
    };
  });
}

/** What an idempotency key was used for. */
export interface EarlierRequest {
  id: string;
  requestHash: string | null;
}

export interface ScheduleFilter {
  customerId?: string;
  statuses?: readonly ScheduleStatus[];
}

/** One page, newest first by creation, then id; `before` is the last schedule of the page before. */
export async function schedulePage(
  db: Knex,
  filter: ScheduleFilter,
  limit: number,
  before?: Schedule,
): Promise<Schedule[]> {
  const { sql, bindings } = scheduleWhere(filter);
  const cursor = before === undefined ? '' : ' AND (created_at, id) < (?, ?)';
  const rows = await select<ScheduleRow>(
    db,
    `SELECT * FROM schedules WHERE ${sql}${cursor} ORDER BY created_at DESC, id DESC LIMIT ?`,
    [...bindings, ...(before === undefined ? [] : [before.createdAt, before.id]), limit],
  );
  return rows.map(toSchedule);
}

export function countSchedules(db: Knex, filter: ScheduleFilter): Promise<number | null> {
  const { sql, bindings } = scheduleWhere(filter);
  return countUpTo(db, `SELECT 1 FROM schedules WHERE ${sql}`, bindings);
}

function scheduleWhere(filter: ScheduleFilter): { sql: string; bindings: string[] } {
  const where: string[] = [];
  const bindings: string[] = [];
  if (filter.customerId !== undefined) {
    where.push('customer_id = ?');
    bindings.push(filter.customerId);
  }
  if (filter.statuses !== undefined) {
    where.push(`status IN ${inList}`);
    bindings.push(listBinding(filter.statuses));
  }
  return { sql: where.length === 0 ? '1' : where.join(' AND '), bindings };
}

/** A period that a run passed over, and why. Recorded once, whichever run does it. */
export interface SkippedPeriod {
  scheduleId: string;
  period: string;
  dueAt: number;
  reason: string;
  runId: string | null;
}

export async function insertSkippedPeriods(trx: Knex, skipped: readonly SkippedPeriod[], nowMs: number): Promise<void> {
  await insertRows(
    trx,
    'skipped_periods',
    ['period', 'schedule_id', 'due_at', 'reason', 'run_id', 'recorded_at'],
    skipped.map((period) => [period.period, period.scheduleId, period.dueAt, period.reason, period.runId, nowMs]),
  );
}

/** The periods of a schedule that were passed over, newest first. */
export async function skippedPeriods(db: Knex, scheduleId: string): Promise<SkippedPeriod[]> {
  const rows = await select<{ period: string; due_at: number; reason: string; run_id: string | null }>(
    db,
    'SELECT period, due_at, reason, run_id FROM skipped_periods WHERE schedule_id = ? ORDER BY period DESC',
    [scheduleId],
  );
  return rows.map((row) => ({
    scheduleId,
    period: row.period,
    dueAt: row.due_at,
    reason: row.reason,
    runId: row.run_id,
  }));
}
