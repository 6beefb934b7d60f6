// Charges in the book. Batches only: a single charge is a batch of one.
import type { Knex } from 'knex';
import type { DeclineClass } from '../gateways/declines.ts';
import { type Cell, inList, insertion, listBinding, select, updating, type Write, write } from '../storage/batch.ts';
import { bigSum, fromBigSum } from '../storage/big-sum.ts';
import { type Change, changedColumns } from '../storage/change.ts';
import { lockClause } from '../storage/dialect.ts';
import { CHARGE_STATUSES, type Charge, type ChargeStatus } from './charge.ts';

/** What is written once, when the charge is made. */
const FIXED: readonly [string, (charge: Charge) => Cell][] = [
  ['customer_id', (c) => c.customerId],
  ['schedule_id', (c) => c.scheduleId],
  ['period', (c) => c.period],
  ['currency', (c) => c.currency],
  ['amount_minor', (c) => Number(c.amountMinor)],
  ['intent', (c) => c.intent],
  ['due_at', (c) => c.dueAt],
  ['policy', (c) => c.policy],
  ['timezone', (c) => c.timezone],
  ['idempotency_key', (c) => c.idempotencyKey],
  ['request_hash', (c) => c.requestHash],
  ['description', (c) => c.description],
  ['metadata', (c) => JSON.stringify(c.metadata)],
  ['created_at', (c) => c.createdAt],
];

/** What the pipeline changes. */
const CHANGING: readonly [string, (charge: Charge) => Cell][] = [
  ['method_id', (c) => c.methodId],
  ['gateway', (c) => c.gateway],
  ['authorized_minor', (c) => Number(c.authorizedMinor)],
  ['captured_minor', (c) => Number(c.capturedMinor)],
  ['refunded_minor', (c) => Number(c.refundedMinor)],
  ['refund_reserved_minor', (c) => Number(c.refundReservedMinor)],
  ['status', (c) => c.status],
  ['decline_code', (c) => c.declineCode],
  ['decline_class', (c) => c.declineClass],
  ['retry_rule', (c) => c.retryRule],
  ['retry_at', (c) => c.retryAt],
  ['soft_declines', (c) => c.softDeclines],
  ['transport_failures', (c) => c.transportFailures],
  ['first_attempt_at', (c) => c.firstAttemptAt],
  ['attempt_count', (c) => c.attemptCount],
  ['object_id', (c) => c.objectId],
  ['object_generation', (c) => c.objectGeneration],
  ['last_run_id', (c) => c.lastRunId],
  ['version', (c) => c.version],
  ['event_version', (c) => c.eventVersion],
  ['updated_at', (c) => c.updatedAt],
];

export function chargesInsertion(charges: readonly Charge[]): Write | null {
  const columns = [...FIXED, ...CHANGING];
  return insertion(
    'charges',
    ['id', ...columns.map(([column]) => column)],
    charges.map((charge) => [charge.id, ...columns.map(([, cell]) => cell(charge))]),
  );
}

export async function insertCharges(trx: Knex, charges: readonly Charge[]): Promise<void> {
  await write(trx, chargesInsertion(charges));
}

/** Writes what has changed of charges, each of which must still have the version that it was read with. */
export function chargesUpdate(changes: readonly Change<Charge>[]): Write | null {
  const columns = changedColumns(CHANGING, changes);
  return updating(
    'charges',
    ['id', ...columns.map(([column]) => column), 'version_was'],
    changes.map(({ was, now }) => [now.id, ...columns.map(([, cell]) => cell(now)), was.version]),
    ['version'],
  );
}

export async function updateCharges(trx: Knex, changes: readonly Change<Charge>[]): Promise<void> {
  await write(trx, chargesUpdate(changes));
}

interface ChargeRow extends Record<string, Cell> {
  id: string;
  status: ChargeStatus;
  decline_class: DeclineClass | null;
}

function toCharge(row: ChargeRow): Charge {
  const text = (column: string): string => String(row[column]);
  const maybe = (column: string): string | null => (row[column] === null ? null : text(column));
  const number = (column: string): number => Number(row[column]);
  const maybeNumber = (column: string): number | null => (row[column] === null ? null : number(column));
  const minor = (column: string): bigint => BigInt(text(column));
  return {
    id: row.id,
    customerId: text('customer_id'),
    methodId: text('method_id'),
    gateway: text('gateway'),
    scheduleId: maybe('schedule_id'),
    period: maybe('period'),
    currency: text('currency'),
    amountMinor: minor('amount_minor'),
    authorizedMinor: minor('authorized_minor'),
    capturedMinor: minor('captured_minor'),
    refundedMinor: minor('refunded_minor'),
    refundReservedMinor: minor('refund_reserved_minor'),
    intent: row.intent === 'authorize' ? 'authorize' : 'sale',
    status: row.status,
    declineCode: maybe('decline_code'),
    declineClass: row.decline_class,
    retryRule: maybe('retry_rule'),
    dueAt: number('due_at'),
    retryAt: maybeNumber('retry_at'),
    policy: text('policy'),
    timezone: maybe('timezone'),
    softDeclines: number('soft_declines'),
    transportFailures: number('transport_failures'),
    firstAttemptAt: maybeNumber('first_attempt_at'),
    attemptCount: number('attempt_count'),
    objectId: maybe('object_id'),
    objectGeneration: number('object_generation'),
    idempotencyKey: maybe('idempotency_key'),
    requestHash: maybe('request_hash'),
    description: maybe('description'),
    metadata: JSON.parse(text('metadata')) as Record<string, string>,
    lastRunId: maybe('last_run_id'),
    version: number('version'),
    eventVersion: number('event_version'),
    createdAt: number('created_at'),
    updatedAt: number('updated_at'),
  };
}

export async function chargesById(db: Knex, ids: readonly string[]): Promise<Map<string, Charge>> {
  const rows = await select<ChargeRow>(db, `SELECT * FROM charges WHERE id IN ${inList}`, [listBinding(ids)]);
  return new Map(rows.map((row) => [row.id, toCharge(row)]));
}

/** The same, read in order to be changed in this trx. */
export async function lockCharges(trx: Knex, ids: readonly string[]): Promise<Map<string, Charge>> {
  const rows = await select<ChargeRow>(trx, `SELECT * FROM charges WHERE id IN ${inList} ${lockClause(trx)}`, [
    listBinding(ids),
  ]);
  return new Map(rows.map((row) => [row.id, toCharge(row)]));
}

export async function chargesByIdempotencyKey(db: Knex, keys: readonly string[]): Promise<Map<string, Charge>> {
  if (keys.length === 0) return new Map();
  const rows = await select<ChargeRow>(db, `SELECT * FROM charges WHERE idempotency_key IN ${inList}`, [
    listBinding(keys),
  ]);
  return new Map(rows.map((row) => [String(row.idempotency_key), toCharge(row)]));
}

/** The request hashes of the charges that were made under these keys: all that an import has to know of them. */
export async function chargeHashesByKey(
  db: Knex,
  keys: readonly string[],
): Promise<Map<string, { id: string; requestHash: string | null }>> {
  const rows = await select<{ key: string; id: string; requestHash: string | null }>(
    db,
    `SELECT idempotency_key AS key, id, request_hash AS requestHash FROM charges WHERE idempotency_key IN ${inList}`,
    [listBinding(keys)],
  );
  return new Map(rows.map(({ key, id, requestHash }) => [key, { id, requestHash }]));
}

/** Which of these ids are charges already. */
export async function existingChargeIds(db: Knex, ids: readonly string[]): Promise<Set<string>> {
  const rows = await select<{ id: string }>(db, `SELECT id FROM charges WHERE id IN ${inList}`, [listBinding(ids)]);
  return new Set(rows.map(({ id }) => id));
}

export type DueKind = 'pending' | 'retry';

export interface DueCharge {
  id: string;
  dueAtMs: number;
}

/**
 * Charges that are due at `asOfMs` and that this run has not tried yet, in the order in which they fell due, from behind
 * `after`. Each kind has a partial index of its own, so this stays flat however big the book is.
 */
export async function dueCharges(
  db: Knex,
  kind: DueKind,
  asOfMs: number,
  runId: string,
  limit: number,
  after?: DueCharge,
): Promise<DueCharge[]> {
  const [status, column] = kind === 'pending' ? ['pending', 'due_at'] : ['failed', 'retry_at'];
  const cursor = after === undefined ? '' : `AND (${column}, id) > (?, ?)`;
  const rows = await select<{ id: string; due_at: number }>(
    db,
    `SELECT id, ${column} AS due_at FROM charges WHERE status = '${status}' AND ${column} IS NOT NULL AND ${column} <= ?
        AND last_run_id IS NOT ? ${cursor} ORDER BY ${column}, id LIMIT ?`,
    [asOfMs, runId, ...(after === undefined ? [] : [after.dueAtMs, after.id]), limit],
  );
  return rows.map((row) => ({ id: row.id, dueAtMs: row.due_at }));
}

/** How much is due at `asOfMs`, per currency, before anything is opened. */
export async function dueTotals(
  db: Knex,
  kinds: readonly DueKind[],
  asOfMs: number,
): Promise<{ currency: string; count: number; amountMinor: bigint }[]> {
  const where = kinds
    .map((kind) =>
      kind === 'pending'
        ? `(status = 'pending' AND due_at <= ?)`
        : `(status = 'failed' AND retry_at IS NOT NULL AND retry_at <= ?)`,
    )
    .join(' OR ');
  const rows = await select<{ currency: string; n: number; amount: string }>(
    db,
    `SELECT currency, COUNT(*) AS n, ${bigSum('amount_minor')} AS amount FROM charges WHERE ${where}
      GROUP BY currency ORDER BY currency`,
    kinds.map(() => asOfMs),
  );
  return rows.map((row) => ({ currency: row.currency, count: row.n, amountMinor: fromBigSum(row.amount) }));
}

export interface ChargeFilter {
  statuses?: readonly ChargeStatus[];
  /** With `statuses`: charges of any status with a capture, void or refund whose outcome is unknown, too. */
  openOperations?: boolean;
  customerId?: string;
  scheduleId?: string;
  sinceMs?: number;
  untilMs?: number;
}

/** As the partial index charges_unfinished has them: the planner takes it only where the query repeats its very words. */
const UNFINISHED = ['authorized', 'settling', 'requires_action', 'failed', 'exhausted', 'unknown'];

/** Words out of the known list, so that they may stand in the text, where the planner sees them. */
function statusTerm(statuses: readonly ChargeStatus[]): string {
  const known = CHARGE_STATUSES.filter((status) => statuses.includes(status));
  const listed = (words: readonly string[]): string => `status IN (${words.map((word) => `'${word}'`).join(', ')})`;
  return known.every((status) => UNFINISHED.includes(status))
    ? `${listed(known)} AND ${listed(UNFINISHED)}`
    : listed(known);
}

/** During a capture, void or refund the charge keeps its status: the partial index of open attempts tells. */
const OPEN_OPERATIONS = `SELECT charge_id FROM attempts INDEXED BY attempts_open
  WHERE (outcome IS NULL OR outcome IN ('unknown', 'settling', 'requires_action'))
    AND (outcome IS NULL OR outcome = 'unknown') AND operation IN ('capture', 'void', 'refund')`;

/** As one list of ids where both parts are indexed: with OR between them SQLite would read every charge. */
function withOpenOperations(statuses: readonly ChargeStatus[]): string {
  const isIndexed = statuses.every((status) => UNFINISHED.includes(status));
  if (!isIndexed) return `(${statusTerm(statuses)} OR id IN (${OPEN_OPERATIONS}))`;
  return `id IN (SELECT id FROM charges WHERE ${statusTerm(statuses)} UNION ${OPEN_OPERATIONS})`;
}

function chargeWhere(filter: ChargeFilter): { sql: string; bindings: (string | number)[] } {
  const where: string[] = [];
  const bindings: (string | number)[] = [];
  const add = (sql: string, value: string | number): void => {
    where.push(sql);
    bindings.push(value);
  };
  if (filter.statuses !== undefined) {
    const { statuses, openOperations = false } = filter;
    where.push(openOperations ? withOpenOperations(statuses) : statusTerm(statuses));
  }
  if (filter.customerId !== undefined) add('customer_id = ?', filter.customerId);
  if (filter.scheduleId !== undefined) add('schedule_id = ?', filter.scheduleId);
  if (filter.sinceMs !== undefined) add('created_at >= ?', filter.sinceMs);
  if (filter.untilMs !== undefined) add('created_at < ?', filter.untilMs);
  return { sql: where.length === 0 ? '1' : where.join(' AND '), bindings };
}

/** One page, newest first by creation, then id; `before` is the last charge of the page before. */
export async function chargePage(db: Knex, filter: ChargeFilter, limit: number, before?: Charge): Promise<Charge[]> {
  const { sql, bindings } = chargeWhere(filter);
  const cursor = before === undefined ? '' : ' AND (created_at, id) < (?, ?)';
  const rows = await select<ChargeRow>(
    db,
    `SELECT * FROM charges WHERE ${sql}${cursor} ORDER BY created_at DESC, id DESC LIMIT ?`,
    [...bindings, ...(before === undefined ? [] : [before.createdAt, before.id]), limit],
  );
  return rows.map(toCharge);
}

export async function countCharges(db: Knex, filter: ChargeFilter): Promise<number> {
  const { sql, bindings } = chargeWhere(filter);
  const [row] = await select<{ n: number }>(db, `SELECT COUNT(*) AS n FROM charges WHERE ${sql}`, bindings);
  return row?.n ?? 0;
}

/** Failed charges, those with a time first and soonest first, from behind `before`. */
export async function waitingRetryPage(db: Knex, limit: number, before?: Charge): Promise<Charge[]> {
  const at = `COALESCE(retry_at, ${NO_RETRY_TIME})`;
  const cursor = before === undefined ? '' : `AND (${at}, id) > (?, ?)`;
  const rows = await select<ChargeRow>(
    db,
    `SELECT * FROM charges WHERE status = 'failed' ${cursor} ORDER BY ${at}, id LIMIT ?`,
    [...(before === undefined ? [] : [before.retryAt ?? NO_RETRY_TIME, before.id]), limit],
  );
  return rows.map(toCharge);
}

/** Sorts behind every time there is. */
const NO_RETRY_TIME = Number.MAX_SAFE_INTEGER;

export async function countWaitingRetries(db: Knex): Promise<number> {
  return countCharges(db, { statuses: ['failed'] });
}
