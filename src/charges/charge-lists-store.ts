// Lists of charges, a page at a time, each read by an index in its own order: a page costs the same in a book of any size.
import type { Knex } from 'knex';
import { select } from '../storage/batch.ts';
import { countUpTo } from '../storage/count.ts';
import { CHARGE_STATUSES, type Charge, type ChargeStatus } from './charge.ts';
import { type ChargeRow, toCharge } from './charges-store.ts';

export interface ChargeFilter {
  statuses?: readonly ChargeStatus[];
  /** With `statuses`: charges of any status with a capture, void or refund whose outcome is unknown, too. */
  openOperations?: boolean;
  customerId?: string;
  scheduleId?: string;
  sinceMs?: number;
  untilMs?: number;
}

/** As the partial indexes have them: the planner takes one only where the query repeats its very words. */
const UNFINISHED = `status IN ('authorized', 'settling', 'requires_action', 'failed', 'exhausted', 'unknown')`;
const UNCOLLECTED = `status IN ('pending', 'voided', 'expired', 'cancelled')`;

const OPEN_ATTEMPT = `outcome IS NULL OR outcome IN ('unknown', 'settling', 'requires_action')`;

/** During a capture, void or refund the charge keeps its status: the partial index of open attempts tells. */
const OPEN_OPERATIONS = `SELECT charge_id FROM attempts INDEXED BY attempts_open
  WHERE (${OPEN_ATTEMPT}) AND (outcome IS NULL OR outcome = 'unknown') AND operation IN ('capture', 'void', 'refund')`;

/** The term for one status that an index serves in the order of creation; words of ours, so that the planner sees them. */
function statusTerm(status: ChargeStatus): string {
  switch (status) {
    // Nearly all charges are: looked for from the newest on, one is never far.
    case 'captured':
      return `status = 'captured'`;
    case 'processing':
      return `status = 'processing' AND id IN (SELECT charge_id FROM attempts INDEXED BY attempts_open WHERE ${OPEN_ATTEMPT})`;
    case 'pending':
    case 'voided':
    case 'expired':
    case 'cancelled':
      return `status = '${status}' AND ${UNCOLLECTED}`;
    default:
      return `status = '${status}' AND ${UNFINISHED}`;
  }
}

interface Arms {
  /** The conditions of each; no charge is in two of them. */
  arms: string[];
  /** Of each arm. */
  bindings: (string | number)[];
}

/**
 * What the filter asks for as parts that an index serves each in the order of creation: SQLite merges ordered parts as it
 * reads them, but sorts (or looks at every charge for) what stands in one list or behind an OR.
 */
function armsOf(filter: ChargeFilter, before?: Charge): Arms {
  const common: string[] = [];
  const bindings: (string | number)[] = [];
  const add = (sql: string, ...values: (string | number)[]): void => {
    common.push(sql);
    bindings.push(...values);
  };
  if (filter.customerId !== undefined) add('customer_id = ?', filter.customerId);
  if (filter.scheduleId !== undefined) add('schedule_id = ?', filter.scheduleId);
  if (filter.sinceMs !== undefined) add('created_at >= ?', filter.sinceMs);
  if (filter.untilMs !== undefined) add('created_at < ?', filter.untilMs);
  if (before !== undefined) add('(created_at, id) < (?, ?)', before.createdAt, before.id);
  const arms = statusArms(filter).map((term) => [...term, ...common].join(' AND ') || '1');
  return { arms, bindings };
}

function statusArms({ statuses, openOperations = false, customerId }: ChargeFilter): string[][] {
  if (statuses === undefined) return [[]];
  const known = CHARGE_STATUSES.filter((status) => statuses.includes(status));
  const listed = `(${known.map((status) => `'${status}'`).join(', ')})`;
  const others = openOperations ? [[`id IN (${OPEN_OPERATIONS})`, `status NOT IN ${listed}`]] : [];
  // A customer's own index serves all statuses at once.
  if (customerId !== undefined) return [[`status IN ${listed}`], ...others];
  return [...known.map((status) => [statusTerm(status)]), ...others];
}

const armsText = (columns: string, arms: readonly string[]): string =>
  arms.map((where) => `SELECT ${columns} FROM charges WHERE ${where}`).join(' UNION ALL ');

/** One page, newest first by creation, then id; `before` is the last charge of the page before. */
export async function chargePage(db: Knex, filter: ChargeFilter, limit: number, before?: Charge): Promise<Charge[]> {
  const { arms, bindings } = armsOf(filter, before);
  const rows = await select<ChargeRow>(db, `${armsText('*', arms)} ORDER BY created_at DESC, id DESC LIMIT ?`, [
    ...arms.flatMap(() => bindings),
    limit,
  ]);
  return rows.map(toCharge);
}

/** How many there are; null for more than are counted. */
export function countCharges(db: Knex, filter: ChargeFilter): Promise<number | null> {
  const { arms, bindings } = armsOf(filter);
  return countUpTo(
    db,
    armsText('1', arms),
    arms.flatMap(() => bindings),
  );
}

/** How many charges no policy tries again: their index holds just what is unfinished. */
export async function countExhausted(db: Knex): Promise<number> {
  const [row] = await select<{ n: number }>(db, `SELECT COUNT(*) AS n FROM charges WHERE ${statusTerm('exhausted')}`);
  return row?.n ?? 0;
}

/** Failed charges, those with a time first and soonest first, then the others, oldest first; from behind `before`. */
export async function waitingRetryPage(db: Knex, limit: number, before?: Charge): Promise<Charge[]> {
  const timed = before === undefined || before.retryAt !== null ? await timedRetries(db, limit, before) : [];
  if (timed.length === limit) return timed;
  const untimed = before?.retryAt === null ? before : undefined;
  const cursor = untimed === undefined ? '' : 'AND (created_at, id) > (?, ?)';
  const rows = await select<ChargeRow>(
    db,
    `SELECT * FROM charges WHERE status = 'failed' AND ${UNFINISHED} AND retry_at IS NULL ${cursor}
      ORDER BY created_at, id LIMIT ?`,
    [...(untimed === undefined ? [] : [untimed.createdAt, untimed.id]), limit - timed.length],
  );
  return [...timed, ...rows.map(toCharge)];
}

async function timedRetries(db: Knex, limit: number, before?: Charge): Promise<Charge[]> {
  const cursor = before === undefined ? '' : 'AND (retry_at, id) > (?, ?)';
  const rows = await select<ChargeRow>(
    db,
    `SELECT * FROM charges WHERE status = 'failed' AND retry_at IS NOT NULL ${cursor} ORDER BY retry_at, id LIMIT ?`,
    [...(before === undefined ? [] : [before.retryAt, before.id]), limit],
  );
  return rows.map(toCharge);
}

export function countWaitingRetries(db: Knex): Promise<number | null> {
  return countCharges(db, { statuses: ['failed'] });
}
