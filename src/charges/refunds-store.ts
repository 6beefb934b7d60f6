// Refunds in the book.
import type { Knex } from 'knex';
import { type Cell, inList, insertion, listBinding, select, updateRows, type Write, write } from '../storage/batch.ts';
import type { Refund, RefundStatus } from './refund.ts';

const COLUMNS: readonly [string, (refund: Refund) => Cell][] = [
  ['id', (r) => r.id],
  ['charge_id', (r) => r.chargeId],
  ['attempt_id', (r) => r.attemptId],
  ['amount_minor', (r) => Number(r.amountMinor)],
  ['currency', (r) => r.currency],
  ['status', (r) => r.status],
  ['reason', (r) => r.reason],
  ['idempotency_key', (r) => r.idempotencyKey],
  ['request_hash', (r) => r.requestHash],
  ['duplicate_attempt_id', (r) => r.duplicateAttemptId],
  ['created_at', (r) => r.createdAt],
  ['updated_at', (r) => r.updatedAt],
];

export function refundsInsertion(refunds: readonly Refund[]): Write | null {
  return insertion(
    'refunds',
    COLUMNS.map(([column]) => column),
    refunds.map((refund) => COLUMNS.map(([, cell]) => cell(refund))),
  );
}

export async function insertRefunds(trx: Knex, refunds: readonly Refund[]): Promise<void> {
  await write(trx, refundsInsertion(refunds));
}

/** Ends refunds that must still be what they were: pending, or of the other ending where late news says otherwise. */
export async function finishRefunds(
  trx: Knex,
  refunds: readonly { id: string; status: RefundStatus; was: RefundStatus }[],
  nowMs: number,
): Promise<void> {
  await updateRows(
    trx,
    'refunds',
    ['id', 'status', 'updated_at', 'status_was'],
    refunds.map(({ id, status, was }) => [id, status, nowMs, was]),
    ['status'],
  );
}

interface RefundRow extends Record<string, Cell> {
  id: string;
  status: RefundStatus;
}

function toRefund(row: RefundRow): Refund {
  const maybe = (column: string): string | null => (row[column] === null ? null : String(row[column]));
  return {
    id: row.id,
    chargeId: String(row.charge_id),
    attemptId: maybe('attempt_id'),
    amountMinor: BigInt(String(row.amount_minor)),
    currency: String(row.currency),
    status: row.status,
    reason: maybe('reason'),
    idempotencyKey: maybe('idempotency_key'),
    requestHash: maybe('request_hash'),
    duplicateAttemptId: maybe('duplicate_attempt_id'),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  };
}

export async function refundsById(db: Knex, ids: readonly string[]): Promise<Map<string, Refund>> {
  const rows = await select<RefundRow>(db, `SELECT * FROM refunds WHERE id IN ${inList}`, [listBinding(ids)]);
  return new Map(rows.map((row) => [row.id, toRefund(row)]));
}

export async function refundsByIdempotencyKey(db: Knex, keys: readonly string[]): Promise<Map<string, Refund>> {
  if (keys.length === 0) return new Map();
  const rows = await select<RefundRow>(db, `SELECT * FROM refunds WHERE idempotency_key IN ${inList}`, [
    listBinding(keys),
  ]);
  return new Map(rows.map((row) => [String(row.idempotency_key), toRefund(row)]));
}

/** Every refund of these charges, oldest first. */
export async function refundsOfCharges(db: Knex, chargeIds: readonly string[]): Promise<Refund[]> {
  const rows = await select<RefundRow>(db, `SELECT * FROM refunds WHERE charge_id IN ${inList} ORDER BY id`, [
    listBinding(chargeIds),
  ]);
  return rows.map(toRefund);
}

/** Charges with a refund that succeeded at or after this time, epoch milliseconds. */
export async function chargesRefundedSince(db: Knex, sinceMs: number): Promise<string[]> {
  const rows = await select<{ charge_id: string }>(
    db,
    `SELECT DISTINCT charge_id FROM refunds INDEXED BY refunds_succeeded WHERE status = 'succeeded' AND updated_at >= ?`,
    [sinceMs],
  );
  return rows.map((row) => row.charge_id);
}

/** The refunds that give these duplicates back, or are about to, by the attempt's id. */
export async function refundsOfDuplicates(db: Knex, attemptIds: readonly string[]): Promise<Map<string, Refund>> {
  if (attemptIds.length === 0) return new Map();
  const rows = await select<RefundRow>(
    db,
    `SELECT * FROM refunds WHERE duplicate_attempt_id IN ${inList} AND status <> 'failed'`,
    [listBinding(attemptIds)],
  );
  return new Map(rows.map((row) => [String(row.duplicate_attempt_id), toRefund(row)]));
}

export interface RefundFilter {
  chargeId?: string;
  status?: RefundStatus;
}

export async function refundPage(db: Knex, filter: RefundFilter, limit: number, before?: Refund): Promise<Refund[]> {
  const { sql, bindings } = refundWhere(filter);
  const cursor = before === undefined ? '' : ' AND id < ?';
  const rows = await select<RefundRow>(db, `SELECT * FROM refunds WHERE ${sql}${cursor} ORDER BY id DESC LIMIT ?`, [
    ...bindings,
    ...(before === undefined ? [] : [before.id]),
    limit,
  ]);
  return rows.map(toRefund);
}

export async function countRefunds(db: Knex, filter: RefundFilter): Promise<number> {
  const { sql, bindings } = refundWhere(filter);
  const [row] = await select<{ n: number }>(db, `SELECT COUNT(*) AS n FROM refunds WHERE ${sql}`, bindings);
  return row?.n ?? 0;
}

function refundWhere(filter: RefundFilter): { sql: string; bindings: string[] } {
  const where: string[] = [];
  const bindings: string[] = [];
  if (filter.chargeId !== undefined) {
    where.push('charge_id = ?');
    bindings.push(filter.chargeId);
  }
  if (filter.status !== undefined) {
    where.push('status = ?');
    bindings.push(filter.status);
  }
  return { sql: where.length === 0 ? '1' : where.join(' AND '), bindings };
}
