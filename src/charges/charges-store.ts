// Charges in the book. Batches only: a single charge is a batch of one.
import type { Knex } from 'knex';
import { assert } from '../errors.ts';
import type { DeclineClass } from '../gateways/declines.ts';
import { type Cell, inList, insertRows, listBinding, select, updateRows } from '../storage/batch.ts';
import { bigSum, fromBigSum } from '../storage/big-sum.ts';
import { lockClause } from '../storage/dialect.ts';
import type { Charge, ChargeStatus } from './charge.ts';

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

export async function insertCharges(trx: Knex, charges: readonly Charge[]): Promise<void> {
  const columns = [...FIXED, ...CHANGING];
  await insertRows(
    trx,
    'charges',
    ['id', ...columns.map(([column]) => column)],
    charges.map((charge) => [charge.id, ...columns.map(([, cell]) => cell(charge))]),
  );
}

/** Writes changed charges, each of which must still have the version that it was read with. */
export async function updateCharges(
  trx: Knex,
  charges: readonly Charge[],
  versionWas: (charge: Charge) => number = (charge) => charge.version - 1,
): Promise<void> {
  const found = await updateRows(
    trx,
    'charges',
    ['id', ...CHANGING.map(([column]) => column), 'version_was'],
    charges.map((charge) => [charge.id, ...CHANGING.map(([, cell]) => cell(charge)), versionWas(charge)]),
    ['version'],
  );
  assert(found === charges.length, `charges changed under the writer: ${charges.length - found} of ${charges.length}`);
}

export interface ChargeRow extends Record<string, Cell> {
  id: string;
  status: ChargeStatus;
  decline_class: DeclineClass | null;
}

export function toCharge(row: ChargeRow): Charge {
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
  const due = kinds.map(
    (kind) =>
      `SELECT currency, amount_minor FROM charges WHERE ${
        kind === 'pending'
          ? `status = 'pending' AND due_at <= ?`
          : `status = 'failed' AND retry_at IS NOT NULL AND retry_at <= ?`
      }`,
  );
  const rows = await select<{ currency: string; n: number; amount: string }>(
    db,
    `SELECT currency, COUNT(*) AS n, ${bigSum('amount_minor')} AS amount FROM (${due.join(' UNION ALL ')})
      GROUP BY currency ORDER BY currency`,
    kinds.map(() => asOfMs),
  );
  return rows.map((row) => ({ currency: row.currency, count: row.n, amountMinor: fromBigSum(row.amount) }));
}
