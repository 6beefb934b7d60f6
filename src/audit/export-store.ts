// What an export reads from the book: whole pages as the bytes of the file, totals, seals and the leaves for their proofs.
import type { Knex } from 'knex';
import { inList, listBinding, select } from '../storage/batch.ts';
import { bigSum, fromBigSum } from '../storage/big-sum.ts';
import { type AuditFilter, auditWhere } from './audit-rows-store.ts';
import { hashBytes, type Seal, sqlHash } from './audit-store.ts';
import { csvOfBarePage } from './bare-page.ts';
import { BareTotals } from './bare-totals.ts';
import { BARE_SHAPE, sqlBareLine, sqlExactLine, sqlJsonLine } from './export-columns.ts';
import type { ExportTotal } from './export-totals.ts';

export type ExportFormat = 'csv' | 'ndjson';

/** Rows with sequences in (from, to]. */
export interface PageRange {
  from: number;
  to: number;
}

/** The rows of a range that the filter lets through, as SQLite writes them; `exportPage` makes of it what stands in the file. */
export interface FetchedPage {
  range: PageRange;
  rows: number;
  jsonCells: number;
  bytes: Buffer;
}

interface ExportPage {
  rows: number;
  bytes: Buffer;
  totals: ExportTotal[];
}

export function fetchPage(db: Knex, format: ExportFormat, filter: AuditFilter, range: PageRange): Promise<FetchedPage> {
  return fetchLines(db, format === 'csv' ? sqlBareLine : sqlJsonLine, filter, range);
}

/** The page as it stands in the file, in the order of the log. Its bytes may be overwritten when the next one is made. */
export async function exportPage(
  db: Knex,
  format: ExportFormat,
  filter: AuditFilter,
  fetched: FetchedPage,
): Promise<ExportPage> {
  const { range, rows, jsonCells, bytes } = fetched;
  if (rows === 0) return { rows, bytes, totals: [] };
  if (format === 'ndjson') return { rows, bytes, totals: await exportTotals(db, filter, range) };
  const counter = new BareTotals(bytes);
  const csv = csvOfBarePage(bytes, { rows, jsonCells, ...BARE_SHAPE }, (starts) => counter.add(starts));
  if (csv !== null) return { rows, bytes: csv, totals: counter.list() };
  const exact = await fetchLines(db, sqlExactLine, filter, range);
  return { rows: exact.rows, bytes: exact.bytes, totals: await exportTotals(db, filter, range) };
}

async function fetchLines(db: Knex, line: string, filter: AuditFilter, range: PageRange): Promise<FetchedPage> {
  const where = auditWhere(filter);
  const [page] = await select<{ n: number; json_cells: number; bytes: Buffer | null }>(
    db,
    `SELECT COUNT(*) AS n, SUM(json_cells) AS json_cells, CAST(group_concat(line, '') AS BLOB) AS bytes
       FROM (SELECT ${line} AS line, (a.before IS NOT NULL) + (a.after IS NOT NULL) AS json_cells FROM audit_rows a
               LEFT JOIN seal_members m ON m.audit_sequence = a.sequence
              WHERE a.sequence > ? AND a.sequence <= ? AND ${where.sql} ORDER BY a.sequence)`,
    [range.from, range.to, ...where.bindings],
  );
  const bytes = page?.bytes ?? Buffer.alloc(0);
  return { range, rows: page?.n ?? 0, jsonCells: page?.json_cells ?? 0, bytes };
}

/** The first sequence behind `sequence`, so that a hole in the log is stepped over at once. */
export async function nextSequence(db: Knex, sequence: number): Promise<number | null> {
  const [row] = await select<{ next: number | null }>(
    db,
    'SELECT MIN(sequence) AS next FROM audit_rows WHERE sequence > ?',
    [sequence],
  );
  return row?.next ?? null;
}

/** The same rule as `moneyMoved` of export-totals.ts. */
const MOVES = {
  captured: `a.action IN ('sale.settle', 'capture.settle') AND a.result = 'approved'`,
  refunded: `a.action = 'refund.settle' AND a.result = 'approved'`,
  duplicate: `a.action = 'sale.settle' AND a.result = 'duplicate'`,
};

/** The totals of the rows of the range that the filter lets through. */
async function exportTotals(db: Knex, filter: AuditFilter, { from, to }: PageRange): Promise<ExportTotal[]> {
  const where = auditWhere(filter);
  const picks = Object.entries(MOVES).map(
    ([name, rule]) =>
      `SUM(${rule}) AS ${name}_n, ${bigSum(`CASE WHEN ${rule} THEN a.amount_minor END`)} AS ${name}_sum`,
  );
  const rows = await select<Record<string, string | number | null> & { currency: string }>(
    db,
    // Grouping sorts: only what moves money goes into that.
    `SELECT a.currency, ${picks.join(', ')} FROM audit_rows a
      WHERE a.sequence > ? AND a.sequence <= ? AND a.currency IS NOT NULL AND (${Object.values(MOVES).join(' OR ')})
        AND ${where.sql} GROUP BY a.currency`,
    [from, to, ...where.bindings],
  );
  const count = (value: string | number | null | undefined): number => Number(value ?? 0);
  const minor = (value: string | number | null | undefined): string =>
    fromBigSum(value === null || value === undefined ? null : String(value)).toString();
  return rows.map((row) => ({
    currency: row.currency,
    capturedCount: count(row.captured_n),
    capturedMinor: minor(row.captured_sum),
    refundedCount: count(row.refunded_n),
    refundedMinor: minor(row.refunded_sum),
    duplicateCount: count(row.duplicate_n),
    duplicateMinor: minor(row.duplicate_sum),
  }));
}

/** A seal, and how many of its rows the filter lets through. */
export interface TouchedSeal extends Seal {
  rows: number;
}

/** Seals in (after, last], ascending, at most `limit`. */
export async function touchedSeals(
  db: Knex,
  filter: AuditFilter,
  after: number,
  last: number,
  limit: number,
): Promise<TouchedSeal[]> {
  const where = auditWhere(filter);
  // Without a filter the index on the memberships alone answers.
  const join = where.bindings.length === 0 ? '' : 'JOIN audit_rows a ON a.sequence = m.audit_sequence';
  return select<TouchedSeal>(
    db,
    `SELECT s.sequence, s.previous_seal_hash AS "previousSealHash", s.root, s.count, s.sealed_at AS "sealedAt",
            s.seal_hash AS "sealHash",
            (SELECT COUNT(*) FROM seal_members m ${join} WHERE m.seal_sequence = s.sequence AND ${where.sql}) AS rows
       FROM seals s WHERE s.sequence > ? AND s.sequence <= ? ORDER BY s.sequence LIMIT ?`,
    [...where.bindings, after, last, limit],
  );
}

export interface Leaf {
  seal: number;
  hash: Buffer;
  isIncluded: boolean;
}

const LEAVES_PER_PAGE = 10_000;

/** Every leaf of these seals (ascending), and whether the filter lets its row through. */
export async function* leavesOf(db: Knex, filter: AuditFilter, seals: readonly number[]): AsyncGenerator<Leaf[]> {
  const where = auditWhere(filter);
  let [seal, leaf] = [0, -1];
  for (;;) {
    const [page] = await select<{ hashes: string | null; seals: string; leaves: string; included: string }>(
      db,
      `SELECT group_concat(hash, '') AS hashes, group_concat(seal) AS seals, group_concat(leaf) AS leaves,
              group_concat(included, '') AS included
         FROM (SELECT ${sqlHash('a.hash')} AS hash, m.seal_sequence AS seal, m.leaf_index AS leaf,
                      CASE WHEN ${where.sql} THEN 1 ELSE 0 END AS included
                 FROM seal_members m JOIN audit_rows a ON a.sequence = m.audit_sequence
                WHERE m.seal_sequence IN ${inList} AND (m.seal_sequence, m.leaf_index) > (?, ?)
                ORDER BY m.seal_sequence, m.leaf_index LIMIT ?)`,
      [...where.bindings, listBinding(seals), seal, leaf, LEAVES_PER_PAGE],
    );
    if (page?.hashes == null) return;
    const { hashes, included } = page;
    const leaves = page.seals.split(',').map(
      (number, index): Leaf => ({
        seal: Number(number),
        hash: hashBytes(hashes.slice(index * 64, index * 64 + 64)),
        isIncluded: included[index] === '1',
      }),
    );
    yield leaves;
    if (leaves.length < LEAVES_PER_PAGE) return;
    seal = leaves.at(-1)?.seal ?? seal;
    leaf = Number(page.leaves.slice(page.leaves.lastIndexOf(',') + 1));
  }
}
