// Attempts in the book.
import type { Knex } from 'knex';
import type { DeclineClass } from '../gateways/declines.ts';
import type { Operation } from '../gateways/gateway.ts';
import {
  type Cell,
  inList,
  insertion,
  listBinding,
  select,
  selectBatch,
  updating,
  type Write,
  write,
} from '../storage/batch.ts';
import { type Change, changedColumns } from '../storage/change.ts';
import { lockClause } from '../storage/dialect.ts';
import { type Attempt, type AttemptOutcome, OPEN_OUTCOMES } from './attempt.ts';
import type { ProofResult } from './proof-result.ts';

const FIXED: readonly [string, (attempt: Attempt) => Cell][] = [
  ['charge_id', (a) => a.chargeId],
  ['number', (a) => a.number],
  ['operation', (a) => a.operation],
  ['gateway', (a) => a.gateway],
  ['method_id', (a) => a.methodId],
  ['amount_minor', (a) => Number(a.amountMinor)],
  ['currency', (a) => a.currency],
  ['refund_id', (a) => a.refundId],
  ['idempotency_key', (a) => a.idempotencyKey],
  ['body', (a) => a.body],
  ['api_version', (a) => a.apiVersion],
  ['object_id', (a) => a.objectId],
  ['opened_at', (a) => a.openedAt],
  ['first_sent_at', (a) => a.firstSentAt],
  ['run_id', (a) => a.runId],
];

const CHANGING: readonly [string, (attempt: Attempt) => Cell][] = [
  ['outcome', (a) => a.outcome],
  ['late', (a) => (a.late ? 1 : 0)],
  ['reference', (a) => a.reference],
  ['provider_code', (a) => a.providerCode],
  ['provider_message', (a) => a.providerMessage],
  ['decline_code', (a) => a.declineCode],
  ['decline_class', (a) => a.declineClass],
  ['sends', (a) => a.sends],
  ['unproven_sends', (a) => a.unprovenSends],
  ['last_sent_at', (a) => a.lastSentAt],
  ['owner_id', (a) => a.ownerId],
  ['epoch', (a) => a.epoch],
  ['proof_tries', (a) => a.proofTries],
  ['proof_tried_at', (a) => a.proofTriedAt],
  ['proof_result', (a) => a.proofResult],
  ['proof_next_at', (a) => a.proofNextAt],
  ['settled_at', (a) => a.settledAt],
];

export function attemptsInsertion(attempts: readonly Attempt[]): Write | null {
  const columns = [...FIXED, ...CHANGING];
  return insertion(
    'attempts',
    ['id', ...columns.map(([column]) => column)],
    attempts.map((attempt) => [attempt.id, ...columns.map(([, cell]) => cell(attempt))]),
  );
}

export async function insertAttempts(trx: Knex, attempts: readonly Attempt[]): Promise<void> {
  await write(trx, attemptsInsertion(attempts));
}

/** Writes what has changed of attempts that were read in the same trx; null where nothing has. */
export function attemptsUpdate(changes: readonly Change<Attempt>[]): Write | null {
  const columns = changedColumns(CHANGING, changes);
  if (columns.length === 0) return null;
  return updating(
    'attempts',
    ['id', ...columns.map(([column]) => column)],
    changes.map(({ now }) => [now.id, ...columns.map(([, cell]) => cell(now))]),
  );
}

export async function updateAttempts(trx: Knex, changes: readonly Change<Attempt>[]): Promise<void> {
  await write(trx, attemptsUpdate(changes));
}

export interface AttemptRow extends Record<string, Cell> {
  id: string;
  operation: Operation;
  outcome: AttemptOutcome | null;
  decline_class: DeclineClass | null;
  proof_result: ProofResult | null;
}

export function toAttempt(row: AttemptRow): Attempt {
  const text = (column: string): string => String(row[column]);
  const maybe = (column: string): string | null => (row[column] === null ? null : text(column));
  const number = (column: string): number => Number(row[column]);
  const maybeNumber = (column: string): number | null => (row[column] === null ? null : number(column));
  return {
    id: row.id,
    chargeId: text('charge_id'),
    number: number('number'),
    operation: row.operation,
    gateway: text('gateway'),
    methodId: text('method_id'),
    amountMinor: BigInt(text('amount_minor')),
    currency: text('currency'),
    refundId: maybe('refund_id'),
    idempotencyKey: text('idempotency_key'),
    body: text('body'),
    apiVersion: text('api_version'),
    objectId: maybe('object_id'),
    outcome: row.outcome,
    late: row.late === 1,
    reference: maybe('reference'),
    providerCode: maybe('provider_code'),
    providerMessage: maybe('provider_message'),
    declineCode: maybe('decline_code'),
    declineClass: row.decline_class,
    sends: number('sends'),
    unprovenSends: number('unproven_sends'),
    firstSentAt: number('first_sent_at'),
    lastSentAt: number('last_sent_at'),
    ownerId: maybe('owner_id'),
    epoch: number('epoch'),
    proofTries: number('proof_tries'),
    proofTriedAt: maybeNumber('proof_tried_at'),
    proofResult: row.proof_result,
    proofNextAt: maybeNumber('proof_next_at'),
    runId: maybe('run_id'),
    openedAt: number('opened_at'),
    settledAt: maybeNumber('settled_at'),
  };
}

/** The `api_version` of an attempt that the book did not make itself but adopted from a gateway's records. */
export const ADOPTED = 'adopted';

/** When the book itself last opened an attempt, epoch ms; `null` if it never did. Ids are in the order of time. */
export async function newestOwnAttemptAt(db: Knex): Promise<number | null> {
  const [row] = await select<{ opened_at: number }>(
    db,
    'SELECT opened_at FROM attempts WHERE api_version <> ? ORDER BY id DESC LIMIT 1',
    [ADOPTED],
  );
  return row?.opened_at ?? null;
}

/** As the partial index attempts_open has it. */
export const OPEN = `(outcome IS NULL OR outcome IN (${OPEN_OUTCOMES.map((outcome) => `'${outcome}'`).join(', ')}))`;

const NAMES = ['id', ...[...FIXED, ...CHANGING].map(([column]) => column)];

export async function attemptsById(db: Knex, ids: readonly string[]): Promise<Map<string, Attempt>> {
  const rows = await select<AttemptRow>(db, `SELECT * FROM attempts WHERE id IN ${inList}`, [listBinding(ids)]);
  return new Map(rows.map((row) => [row.id, toAttempt(row)]));
}

export async function lockAttempts(trx: Knex, ids: readonly string[]): Promise<Map<string, Attempt>> {
  if (ids.length === 0) return new Map();
  const rows = await selectBatch<AttemptRow>(trx, NAMES, `attempts WHERE id IN ${inList} ${lockClause(trx)}`, [
    listBinding(ids),
  ]);
  return new Map(rows.map((row) => [row.id, toAttempt(row)]));
}

/** What tells whether an attempt and its charge still stand as somebody has them in hand. */
export interface AttemptStanding {
  id: string;
  owner_id: string | null;
  epoch: number;
  outcome: AttemptOutcome | null;
  sends: number;
  charge_version: number;
}

/** Read in order to settle them in this trx. */
export async function lockAttemptStandings(trx: Knex, ids: readonly string[]): Promise<AttemptStanding[]> {
  return selectBatch<AttemptStanding>(
    trx,
    ['id', 'owner_id', 'epoch', 'outcome', 'sends', 'charge_version'],
    `(SELECT t.id, t.owner_id, t.epoch, t.outcome, t.sends, c.version AS charge_version
        FROM attempts t JOIN charges c ON c.id = t.charge_id WHERE t.id IN ${inList} ${lockClause(trx)})`,
    [listBinding(ids)],
  );
}

/** Every attempt of these charges, by charge, in the order of their numbers. */
export async function attemptsOfCharges(db: Knex, chargeIds: readonly string[]): Promise<Map<string, Attempt[]>> {
  const rows = await select<AttemptRow>(
    db,
    `SELECT * FROM attempts WHERE charge_id IN ${inList} ORDER BY charge_id, number`,
    [listBinding(chargeIds)],
  );
  const byCharge = new Map<string, Attempt[]>();
  for (const attempt of rows.map(toAttempt)) {
    const list = byCharge.get(attempt.chargeId);
    if (list === undefined) byCharge.set(attempt.chargeId, [attempt]);
    else list.push(attempt);
  }
  return byCharge;
}

/** Open attempts of these charges, by charge id (there is at most one each). */
export async function openAttemptsOf(db: Knex, chargeIds: readonly string[]): Promise<Map<string, Attempt>> {
  const rows = await select<AttemptRow>(db, `SELECT * FROM attempts WHERE charge_id IN ${inList} AND ${OPEN}`, [
    listBinding(chargeIds),
  ]);
  return new Map(rows.map((row) => [String(row.charge_id), toAttempt(row)]));
}

/** The approved sale or authorize of those of these charges that have one, by charge. */
export async function collectedCharges(db: Knex, chargeIds: readonly string[]): Promise<Map<string, Collected>> {
  const rows = await select<Collected & { charge_id: string }>(
    db,
    `SELECT id, charge_id, gateway, reference FROM attempts WHERE charge_id IN ${inList}
        AND operation IN ('sale', 'authorize') AND outcome = 'approved'`,
    [listBinding(chargeIds)],
  );
  return new Map(rows.map(({ charge_id, ...collected }) => [charge_id, collected]));
}

export type Collected = Pick<Attempt, 'id' | 'gateway' | 'reference'>;

/** Every open attempt, oldest first: the partial index holds just these, so this is small in a book of any size. */
export async function openAttempts(db: Knex): Promise<Attempt[]> {
  const rows = await select<AttemptRow>(
    db,
    `SELECT * FROM attempts INDEXED BY attempts_open WHERE ${OPEN} ORDER BY opened_at, id`,
  );
  return rows.map(toAttempt);
}

/** Second approvals that took money which no refund gives back, or is about to; oldest first. */
export async function unreturnedDuplicates(db: Knex, limit: number): Promise<Attempt[]> {
  const rows = await select<AttemptRow>(
    db,
    `SELECT t.* FROM attempts t INDEXED BY attempts_duplicate
      WHERE t.outcome = 'duplicate' AND t.operation IN ('sale', 'capture')
        AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.duplicate_attempt_id = t.id AND r.status <> 'failed')
      ORDER BY t.id LIMIT ?`,
    [limit],
  );
  return rows.map(toAttempt);
}

/** How many attempts nobody knows the outcome of. */
export async function countUnknownAttempts(db: Knex): Promise<number> {
  const [row] = await select<{ n: number }>(
    db,
    `SELECT COUNT(*) AS n FROM attempts INDEXED BY attempts_open WHERE ${OPEN} AND (outcome IS NULL OR outcome = 'unknown')`,
  );
  return row?.n ?? 0;
}
