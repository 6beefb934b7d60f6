// Payment methods in the book.
import type { Knex } from 'knex';
import { inList, insertion, listBinding, select, selectBatch, type Write, write } from '../storage/batch.ts';
import { countUpTo } from '../storage/count.ts';
import type { PaymentMethod } from './customer.ts';

export async function insertMethods(trx: Knex, methods: readonly PaymentMethod[]): Promise<void> {
  await write(trx, methodsInsertion(methods));
}

export function methodsInsertion(methods: readonly PaymentMethod[]): Write | null {
  return insertion(
    'payment_methods',
    ['id', 'customer_id', 'gateway', 'token', 'brand', 'last4', 'created_at'],
    methods.map((m) => [m.id, m.customerId, m.gateway, m.token, m.brand, m.last4, m.createdAt]),
  );
}

interface MethodRow {
  id: string;
  customer_id: string;
  gateway: string;
  token: string;
  brand: string | null;
  last4: string | null;
  created_at: number;
  removed_at: number | null;
  blocked_at: number | null;
  blocked_code: string | null;
}

const toMethod = (row: MethodRow): PaymentMethod => ({
  id: row.id,
  customerId: row.customer_id,
  gateway: row.gateway,
  token: row.token,
  brand: row.brand,
  last4: row.last4,
  createdAt: row.created_at,
  removedAt: row.removed_at,
  blockedAt: row.blocked_at,
  blockedCode: row.blocked_code,
});

const NAMES = [
  'id',
  'customer_id',
  'gateway',
  'token',
  'brand',
  'last4',
  'created_at',
  'removed_at',
  'blocked_at',
  'blocked_code',
];

export async function methodsById(db: Knex, ids: readonly string[]): Promise<Map<string, PaymentMethod>> {
  const rows = await selectBatch<MethodRow>(db, NAMES, `payment_methods WHERE id IN ${inList}`, [listBinding(ids)]);
  return new Map(rows.map((row) => [row.id, toMethod(row)]));
}

/** A customer's methods, oldest first, without the removed ones. */
export async function methodsOfCustomer(db: Knex, customerId: string): Promise<PaymentMethod[]> {
  const rows = await select<MethodRow>(
    db,
    'SELECT * FROM payment_methods WHERE customer_id = ? AND removed_at IS NULL ORDER BY id',
    [customerId],
  );
  return rows.map(toMethod);
}

/** Every method of these customers, oldest first, the removed ones too. */
export async function methodsOfCustomers(db: Knex, customerIds: readonly string[]): Promise<PaymentMethod[]> {
  const rows = await select<MethodRow>(db, `SELECT * FROM payment_methods WHERE customer_id IN ${inList} ORDER BY id`, [
    listBinding(customerIds),
  ]);
  return rows.map(toMethod);
}

/** One page of the methods that are not removed, newest first. */
export async function methodPage(
  db: Knex,
  filter: { customerId?: string },
  limit: number,
  before?: PaymentMethod,
): Promise<PaymentMethod[]> {
  const { sql, bindings } = methodWhere(filter);
  const rows = await select<MethodRow>(
    db,
    `SELECT * FROM payment_methods WHERE ${sql}${before === undefined ? '' : ' AND id < ?'} ORDER BY id DESC LIMIT ?`,
    [...bindings, ...(before === undefined ? [] : [before.id]), limit],
  );
  return rows.map(toMethod);
}

export function countMethods(db: Knex, filter: { customerId?: string }): Promise<number | null> {
  const { sql, bindings } = methodWhere(filter);
  return countUpTo(db, `SELECT 1 FROM payment_methods WHERE ${sql}`, bindings);
}

function methodWhere(filter: { customerId?: string }): { sql: string; bindings: string[] } {
  return filter.customerId === undefined
    ? { sql: 'removed_at IS NULL', bindings: [] }
    : { sql: 'removed_at IS NULL AND customer_id = ?', bindings: [filter.customerId] };
}

/** Blocks methods after a hard decline; returns the ids of those that were not blocked before. */
export async function blockMethods(
  trx: Knex,
  blocks: readonly { methodId: string; code: string }[],
  nowMs: number,
): Promise<string[]> {
  if (blocks.length === 0) return [];
  const rows = await select<{ id: string }>(
    trx,
    `UPDATE payment_methods SET blocked_at = ?, blocked_code = news.code
       FROM (SELECT value->>0 AS id, value->>1 AS code FROM json_each(?)) AS news
      WHERE payment_methods.id = news.id AND blocked_at IS NULL RETURNING payment_methods.id AS id`,
    [nowMs, JSON.stringify(blocks.map(({ methodId, code }) => [methodId, code]))],
  );
  return rows.map(({ id }) => id);
}

export async function markRemoved(trx: Knex, methodId: string, nowMs: number): Promise<void> {
  await trx.raw('UPDATE payment_methods SET removed_at = ? WHERE id = ? AND removed_at IS NULL', [nowMs, methodId]);
}
