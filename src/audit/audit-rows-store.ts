// Reading the audit log: which rows are meant, a page of them for lists, and their count.
import type { Knex } from 'knex';
import { select } from '../storage/batch.ts';
import { countAmong } from '../storage/count.ts';
import type { AuditRow } from './audit-store.ts';

/** Which rows are meant. Everything given must hold. */
export interface AuditFilter {
  /** Epoch milliseconds, inclusive. */
  sinceMs?: number;
  /** Epoch milliseconds, exclusive. */
  untilMs?: number;
  customerId?: string;
  gateway?: string;
  /** The status of the charge or schedule after the action. */
  status?: string;
  /** An action such as `sale.settle`, or its first word: `sale`. */
  kind?: string;
}

export interface Condition {
  sql: string;
  bindings: (string | number)[];
}

/** The filter as SQL over `audit_rows a`. */
export function auditWhere(filter: AuditFilter): Condition {
  const where: string[] = [];
  const bindings: (string | number)[] = [];
  const add = (sql: string, ...values: (string | number)[]): void => {
    where.push(sql);
    bindings.push(...values);
  };
  if (filter.sinceMs !== undefined) add('a.at >= ?', filter.sinceMs);
  if (filter.untilMs !== undefined) add('a.at < ?', filter.untilMs);
  if (filter.customerId !== undefined) add('a.customer_id = ?', filter.customerId);
  if (filter.gateway !== undefined) add('a.gateway = ?', filter.gateway);
  if (filter.status !== undefined) add('a.status = ?', filter.status);
  if (filter.kind !== undefined) add('(a.action = ? OR instr(a.action, ?) = 1)', filter.kind, `${filter.kind}.`);
  return { sql: where.length === 0 ? '1' : where.join(' AND '), bindings };
}

/** One page, newest first; `before` is the last row of the page before. */
export async function auditPage(db: Knex, filter: AuditFilter, limit: number, before?: AuditRow): Promise<AuditRow[]> {
  const { sql, bindings } = auditWhere(filter);
  const cursor = before === undefined ? '' : ' AND a.sequence < ?';
  return select<AuditRow>(db, `SELECT a.* FROM audit_rows a WHERE ${sql}${cursor} ORDER BY a.sequence DESC LIMIT ?`, [
    ...bindings,
    ...(before === undefined ? [] : [before.sequence]),
    limit,
  ]);
}

export async function hasAuditRow(db: Knex, filter: AuditFilter): Promise<boolean> {
  const { sql, bindings } = auditWhere(filter);
  const rows = await select(db, `SELECT 1 FROM audit_rows a WHERE ${sql} LIMIT 1`, bindings);
  return rows.length > 0;
}

export function countAuditRows(db: Knex, filter: AuditFilter): Promise<number | null> {
  const { sql, bindings } = auditWhere(filter);
  return countAmong(db, 'audit_rows a', sql, bindings);
}
