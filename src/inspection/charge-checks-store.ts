// Charges and refunds that disagree with their attempts, found by SQLite in one pass over each table in the order of its
// index, so that a book of any size is checked in constant memory. Only what disagrees is read.
import type { Knex } from 'knex';
import { ADOPTED } from '../charges/attempts-store.ts';
import type { ChargeStatus } from '../charges/charge.ts';
import { select } from '../storage/batch.ts';

/** A charge beside what its attempts come to. Amounts are minor units. */
export interface ChargeMismatch {
  id: string;
  status: ChargeStatus;
  gateway: string;
  currency: string;
  amount: number;
  authorized: number;
  captured: number;
  refunded: number;
  reserved: number;
  attemptCount: number;
  collections: number;
  approvedCollections: number;
  /** What the attempts say, or null where several statuses are possible. */
  statusOfAttempts: string | null;
  authorizedOfAttempts: number;
  capturedOfAttempts: number;
  refundedOfAttempts: number;
  reservedOfAttempts: number;
  reservedOfRefunds: number;
  attempts: number;
  /** Attempts taken from a gateway's records: between them and the book's own, some that came to nothing may be lost. */
  adopted: number;
  lastNumber: number;
  foreignAttempts: number;
  /** How many attempts to collect the charge were for another amount than its own. */
  foreignAmounts: number;
}

const sumOf = (rule: string): string => `COALESCE(SUM(CASE WHEN ${rule} THEN t.amount_minor END), 0)`;
const countOf = (rule: string): string => `COALESCE(SUM(${rule}), 0)`;

const COLLECTING = `t.operation IN ('sale', 'authorize')`;
const APPROVED = `t.outcome = 'approved'`;
const OPEN = `(t.id IS NOT NULL AND (t.outcome IS NULL OR t.outcome IN ('unknown', 'settling', 'requires_action')))`;

/** The refund of a second approval gives back nothing of what the charge itself collected. */
const OF_CHARGE = `NOT EXISTS (SELECT 1 FROM refunds r WHERE r.id = t.refund_id AND r.duplicate_attempt_id IS NOT NULL)`;

/** The status that the attempts of one charge leave no choice about. Open collections are at most one (an index). */
const STATUS = `CASE
  WHEN ${countOf(`t.operation = 'sale' AND ${APPROVED}`)} > 0 THEN 'captured'
  WHEN ${countOf(`t.operation = 'authorize' AND ${APPROVED}`)} > 0 THEN CASE
    WHEN ${countOf(`t.operation = 'capture' AND ${APPROVED}`)} > 0 THEN 'captured'
    WHEN ${countOf(`t.operation = 'void' AND ${APPROVED}`)} > 0 THEN 'voided'
    WHEN c.status = 'expired' THEN 'expired' ELSE 'authorized' END
  WHEN ${countOf(`${COLLECTING} AND ${OPEN}`)} > 0
    THEN MAX(CASE WHEN ${COLLECTING} AND ${OPEN} THEN COALESCE(t.outcome, 'processing') END)
  END`;

const TOTALS = `SELECT c.id, c.status, c.gateway, c.currency, c.amount_minor AS amount, c.authorized_minor AS authorized,
    c.captured_minor AS captured, c.refunded_minor AS refunded, c.refund_reserved_minor AS reserved,
    c.attempt_count AS "attemptCount", COUNT(t.id) AS attempts, COALESCE(MAX(t.number), 0) AS "lastNumber",
    ${countOf(`t.api_version = '${ADOPTED}'`)} AS adopted,
    ${countOf(COLLECTING)} AS collections,
    ${countOf(`${COLLECTING} AND ${APPROVED}`)} AS "approvedCollections",
    ${STATUS} AS "statusOfAttempts",
    ${sumOf(`t.operation = 'authorize' AND ${APPROVED}`)} AS "authorizedOfAttempts",
    ${sumOf(`t.operation IN ('sale', 'capture') AND ${APPROVED}`)} AS "capturedOfAttempts",
    ${sumOf(`t.operation = 'refund' AND ${APPROVED} AND ${OF_CHARGE}`)} AS "refundedOfAttempts",
    ${sumOf(`t.operation = 'refund' AND ${OPEN} AND ${OF_CHARGE}`)} AS "reservedOfAttempts",
    ${countOf('t.currency <> c.currency')} AS "foreignAttempts",
    ${countOf(`${COLLECTING} AND t.amount_minor <> c.amount_minor`)} AS "foreignAmounts"
  FROM charges c LEFT JOIN attempts t ON t.charge_id = c.id GROUP BY c.id`;

/** Statuses of a charge that was never tried, and of one of which every collection has failed. */
const UNTRIED = `('pending', 'cancelled', 'exhausted')`;
const FAILED = `('pending', 'failed', 'exhausted', 'cancelled')`;

export async function chargeMismatches(db: Knex, limit: number): Promise<ChargeMismatch[]> {
  return select<ChargeMismatch>(
    db,
    `SELECT *, COALESCE((SELECT SUM(amount_minor) FROM refunds r WHERE r.charge_id = x.id AND r.status = 'pending'
                         AND r.duplicate_attempt_id IS NULL), 0)
              AS "reservedOfRefunds"
       FROM (${TOTALS}) x
      WHERE (CASE WHEN "statusOfAttempts" IS NOT NULL THEN status <> "statusOfAttempts"
                  WHEN collections = 0 THEN status NOT IN ${UNTRIED} ELSE status NOT IN ${FAILED} END)
         OR authorized <> "authorizedOfAttempts" OR captured <> "capturedOfAttempts"
         OR refunded <> "refundedOfAttempts" OR reserved <> "reservedOfAttempts"
         OR "approvedCollections" > 1 OR (attempts <> "attemptCount" AND (adopted = 0 OR attempts > "attemptCount")) OR "lastNumber" <> "attemptCount"
         OR "foreignAttempts" > 0 OR "foreignAmounts" > 0
         OR (reserved > 0 AND reserved <> "reservedOfRefunds")
      LIMIT ?`,
    [limit],
  );
}

export interface RefundMismatch {
  id: string;
  chargeId: string;
  status: string;
  amount: number;
  currency: string;
  attemptId: string | null;
  /** Null where the attempt isn't there. */
  attemptAmount: number | null;
  attemptCurrency: string | null;
  attemptOutcome: string | null;
  attemptChargeId: string | null;
  attemptRefundId: string | null;
  attemptOperation: string | null;
  /** What a refund of a second approval is of; null for every other. */
  duplicateId: string | null;
  duplicateOutcome: string | null;
  duplicateAmount: number | null;
  duplicateChargeId: string | null;
}

export async function refundMismatches(db: Knex, limit: number): Promise<RefundMismatch[]> {
  return select<RefundMismatch>(
    db,
    `SELECT r.id, r.charge_id AS "chargeId", r.status, r.amount_minor AS amount, r.currency, r.attempt_id AS "attemptId",
            t.amount_minor AS "attemptAmount", t.currency AS "attemptCurrency", t.outcome AS "attemptOutcome",
            t.charge_id AS "attemptChargeId", t.refund_id AS "attemptRefundId", t.operation AS "attemptOperation",
            r.duplicate_attempt_id AS "duplicateId", d.outcome AS "duplicateOutcome", d.amount_minor AS "duplicateAmount",
            d.charge_id AS "duplicateChargeId"
       FROM refunds r LEFT JOIN attempts t ON t.id = r.attempt_id LEFT JOIN attempts d ON d.id = r.duplicate_attempt_id
      WHERE (r.duplicate_attempt_id IS NOT NULL AND (d.outcome IS NOT 'duplicate' OR d.charge_id <> r.charge_id
              OR d.amount_minor <> r.amount_minor OR d.currency <> r.currency)) OR t.id IS NULL OR t.operation <> 'refund' OR t.refund_id IS NOT r.id OR t.charge_id <> r.charge_id
         OR t.amount_minor <> r.amount_minor OR t.currency <> r.currency
         OR r.status <> CASE WHEN t.outcome = 'approved' THEN 'succeeded'
              WHEN t.outcome IN ('declined', 'rejected') THEN 'failed' ELSE 'pending' END
      LIMIT ?`,
    [limit],
  );
}

export interface StrayRefundAttempt {
  id: string;
  chargeId: string;
}

/** Refund attempts whose refund isn't there, or names another attempt. */
export async function strayRefundAttempts(db: Knex, limit: number): Promise<StrayRefundAttempt[]> {
  return select<StrayRefundAttempt>(
    db,
    `SELECT t.id, t.charge_id AS "chargeId" FROM attempts t LEFT JOIN refunds r ON r.id = t.refund_id
      WHERE t.operation = 'refund' AND (r.id IS NULL OR r.attempt_id IS NOT t.id) LIMIT ?`,
    [limit],
  );
}

export interface Counts {
  charges: number;
  attempts: number;
  refunds: number;
  entries: number;
  postings: number;
}

export async function countRows(db: Knex): Promise<Counts> {
  const [row] = await select<Counts>(
    db,
    `SELECT (SELECT COUNT(*) FROM charges) AS charges, (SELECT COUNT(*) FROM attempts) AS attempts,
            (SELECT COUNT(*) FROM refunds) AS refunds, (SELECT COUNT(*) FROM journal_entries) AS entries,
            (SELECT COUNT(*) FROM postings) AS postings`,
  );
  return row ?? { charges: 0, attempts: 0, refunds: 0, entries: 0, postings: 0 };
}

export interface BodyMismatch {
  id: string;
  chargeId: string;
  amount: number;
  currency: string;
}

/**
 * Attempts whose stored request, the very bytes that a resend would send, names another amount than the attempt. By the
 * text, since a request is the gateway's own; those that name no `amountMinor` are not looked at.
 */
export async function bodyMismatches(db: Knex, limit: number): Promise<BodyMismatch[]> {
  return select<BodyMismatch>(
    db,
    `SELECT id, charge_id AS "chargeId", amount_minor AS amount, currency FROM attempts
      WHERE instr(body, '"amountMinor":"') > 0 AND instr(body, '"amountMinor":"' || amount_minor || '"') = 0
      ORDER BY id LIMIT ?`,
    [limit],
  );
}
