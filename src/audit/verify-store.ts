// What a verification reads: the canonical JSON of every row as SQLite builds it (property-tested to be the text that
// row-hash.ts hashes), page by page as bytes, beside the hash, the seal and the leaf that are stored with it.
import type { Knex } from 'knex';
import { select } from '../storage/batch.ts';
import { sqlHash } from './audit-store.ts';
import { HASHED_COLUMNS } from './row-hash.ts';

/** RFC 8785: keys in the order of their UTF-16 code units. */
const SORTED = [...HASHED_COLUMNS].sort();
const CANONICAL = `json_object(${SORTED.map((column) => `'${column}', a.${column}`).join(', ')})`;

export const ROWS_PER_PAGE = 10_000;

/** Where a page begins: behind this leaf of this seal. */
export interface LeafCursor {
  seal: number;
  leaf: number;
}

export interface CheckedRow {
  sequence: number;
  /** Null for a row that no seal holds. */
  seal: number | null;
  leaf: number | null;
  /** False where a seal has a member whose row is gone. */
  isThere: boolean;
  /** The canonical JSON. */
  json: Buffer;
  /** The stored hash, 64 characters. */
  hash: string;
}

interface PageRow {
  json: Buffer | null;
  hashes: string;
  sequences: string;
  there: string;
  seals: string | null;
  leaves: string | null;
}

const PAGE = `SELECT CAST(group_concat(json, char(10)) AS BLOB) AS json, group_concat(hash, '') AS hashes,
  group_concat(sequence) AS sequences, group_concat(is_there, '') AS there, group_concat(seal) AS seals,
  group_concat(leaf) AS leaves`;

/** The next rows that seals hold, in the order of seals and leaves. */
export async function sealedRows(db: Knex, after: LeafCursor): Promise<CheckedRow[]> {
  const [page] = await select<PageRow>(
    db,
    `${PAGE} FROM (
       SELECT ${CANONICAL} AS json, ${sqlHash('a.hash')} AS hash,
              m.audit_sequence AS sequence, a.sequence IS NOT NULL AS is_there, m.seal_sequence AS seal, m.leaf_index AS leaf
         FROM seal_members m LEFT JOIN audit_rows a ON a.sequence = m.audit_sequence
        WHERE (m.seal_sequence, m.leaf_index) > (?, ?) ORDER BY m.seal_sequence, m.leaf_index LIMIT ?)`,
    [after.seal, after.leaf, ROWS_PER_PAGE],
  );
  return toRows(page);
}

/** The next rows that no seal holds, in the order of the log. */
export async function unsealedRows(db: Knex, afterSequence: number): Promise<CheckedRow[]> {
  const [page] = await select<PageRow>(
    db,
    `${PAGE} FROM (
       SELECT ${CANONICAL} AS json, ${sqlHash('a.hash')} AS hash, a.sequence, 1 AS is_there, NULL AS seal, NULL AS leaf
         FROM audit_rows a
        WHERE a.sequence > ? AND NOT EXISTS (SELECT 1 FROM seal_members m WHERE m.audit_sequence = a.sequence)
        ORDER BY a.sequence LIMIT ?)`,
    [afterSequence, ROWS_PER_PAGE],
  );
  return toRows(page);
}

function toRows(page: PageRow | undefined): CheckedRow[] {
  if (page === undefined || page.json === null) return [];
  const { hashes, there, json } = page;
  const seals = page.seals?.split(',');
  const leaves = page.leaves?.split(',');
  let at = 0;
  return page.sequences.split(',').map((sequence, index) => {
    // Line breaks inside of JSON text are escaped, so the next one ends the row.
    const found = json.indexOf(10, at);
    const end = found === -1 ? json.length : found;
    const row: CheckedRow = {
      sequence: Number(sequence),
      seal: seals === undefined ? null : Number(seals[index]),
      leaf: leaves === undefined ? null : Number(leaves[index]),
      isThere: there[index] === '1',
      json: json.subarray(at, end),
      hash: hashes.slice(index * 64, index * 64 + 64),
    };
    at = end + 1;
    return row;
  });
}

export interface RowName {
  sequence: number;
  id: string;
  at: number;
}

/** How a row is called, for a finding. */
export async function rowName(db: Knex, sequence: number): Promise<RowName | null> {
  const [row] = await select<RowName>(db, 'SELECT sequence, id, at FROM audit_rows WHERE sequence = ?', [sequence]);
  return row ?? null;
}

/** The first and last row of a seal, and those whose id is older than the one before it. */
export async function rowsOutOfOrder(
  db: Knex,
  seal: number,
  limit: number,
): Promise<{ first: string | null; last: string | null; ids: string[] }> {
  const [ends] = await select<{ first: string | null; last: string | null }>(
    db,
    `SELECT MIN(a.id) AS first, MAX(a.id) AS last FROM seal_members m JOIN audit_rows a ON a.sequence = m.audit_sequence
      WHERE m.seal_sequence = ?`,
    [seal],
  );
  const rows = await select<{ id: string }>(
    db,
    `SELECT id FROM (
       SELECT a.id, LAG(a.id) OVER (ORDER BY m.leaf_index) AS before
         FROM seal_members m JOIN audit_rows a ON a.sequence = m.audit_sequence WHERE m.seal_sequence = ?)
      WHERE id < before LIMIT ?`,
    [seal, limit],
  );
  return { first: ends?.first ?? null, last: ends?.last ?? null, ids: rows.map(({ id }) => id) };
}

/** The highest sequence that the log ever gave out, as SQLite keeps it; higher than the last row only if rows were cut off. */
export async function lastGivenSequence(db: Knex): Promise<number> {
  const [row] = await select<{ seq: number }>(db, `SELECT seq FROM sqlite_sequence WHERE name = 'audit_rows'`);
  return row?.seq ?? 0;
}

export async function lastRowSequence(db: Knex): Promise<number> {
  const [row] = await select<{ sequence: number | null }>(db, 'SELECT MAX(sequence) AS sequence FROM audit_rows');
  return row?.sequence ?? 0;
}
