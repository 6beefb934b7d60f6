// The audit log's rows, seals and memberships in the book.
import type { Knex } from 'knex';
import { assert } from '../errors.ts';
import { type Cell, insertion, insertRows, select, type Write, write } from '../storage/batch.ts';
import { HASHED_COLUMNS, type HashedFields, rowHash } from './row-hash.ts';

export interface AuditRow extends HashedFields {
  sequence: number;
  hash: string;
}

export function auditRowsInsertion(rows: readonly HashedFields[]): Write | null {
  return insertion('audit_rows', [...HASHED_COLUMNS, 'hash'], rows.map(cellsOf));
}

export async function insertAuditRows(trx: Knex, rows: readonly HashedFields[]): Promise<void> {
  await write(trx, auditRowsInsertion(rows));
}

function cellsOf(row: HashedFields): Cell[] {
  const cells: Cell[] = HASHED_COLUMNS.map((column) => row[column]);
  cells.push(rowHash(row));
  return cells;
}

export interface Seal {
  sequence: number;
  previousSealHash: string;
  root: string;
  count: number;
  /** Epoch milliseconds. */
  sealedAt: number;
  sealHash: string;
}

interface SealRow {
  sequence: number;
  previous_seal_hash: string;
  root: string;
  count: number;
  sealed_at: number;
  seal_hash: string;
}

const toSeal = (row: SealRow): Seal => ({
  sequence: row.sequence,
  previousSealHash: row.previous_seal_hash,
  root: row.root,
  count: row.count,
  sealedAt: row.sealed_at,
  sealHash: row.seal_hash,
});

export async function lastSeal(db: Knex): Promise<Seal | null> {
  const [row] = await select<SealRow>(db, 'SELECT * FROM seals ORDER BY sequence DESC LIMIT 1');
  return row === undefined ? null : toSeal(row);
}

export async function sealsAfter(db: Knex, sequence: number, limit: number): Promise<Seal[]> {
  const rows = await select<SealRow>(db, 'SELECT * FROM seals WHERE sequence > ? ORDER BY sequence LIMIT ?', [
    sequence,
    limit,
  ]);
  return rows.map(toSeal);
}

/** The newest rows that no seal holds yet begin behind this sequence. Writers of an SQLite book commit in id order. */
export async function lastSealedSequence(db: Knex): Promise<number> {
  const [row] = await select<{ sequence: number | null }>(
    db,
    'SELECT MAX(audit_sequence) AS sequence FROM seal_members',
  );
  return row?.sequence ?? 0;
}

/** The last row of a seal, which holds all before it that the seals before it don't. */
export async function lastSequenceOf(db: Knex, sealSequence: number): Promise<number> {
  const [row] = await select<{ sequence: number }>(
    db,
    'SELECT audit_sequence AS sequence FROM seal_members WHERE seal_sequence = ? ORDER BY leaf_index DESC LIMIT 1',
    [sealSequence],
  );
  return row?.sequence ?? 0;
}

/** How many rows no seal holds yet, and when the first of them was written. */
export async function unsealedRows(db: Knex): Promise<{ count: number; oldestAt: number | null }> {
  const [row] = await select<{ count: number; oldestAt: number | null }>(
    db,
    'SELECT COUNT(*) AS count, MIN(at) AS "oldestAt" FROM audit_rows WHERE sequence > ?',
    [await lastSealedSequence(db)],
  );
  return row ?? { count: 0, oldestAt: null };
}

export async function hashesAfter(
  db: Knex,
  sequence: number,
  limit: number,
): Promise<{ sequence: number; hash: string }[]> {
  return select(db, 'SELECT sequence, hash FROM audit_rows WHERE sequence > ? ORDER BY sequence LIMIT ?', [
    sequence,
    limit,
  ]);
}

/** Writes a seal and the membership of every row in (from, to], in the order of their sequence. */
export async function insertSeal(trx: Knex, seal: Seal, fromSequence: number, toSequence: number): Promise<void> {
  await insertRows(
    trx,
    'seals',
    ['sequence', 'previous_seal_hash', 'root', 'count', 'sealed_at', 'seal_hash'],
    [[seal.sequence, seal.previousSealHash, seal.root, seal.count, seal.sealedAt, seal.sealHash]],
  );
  await trx.raw(
    `INSERT INTO seal_members (audit_sequence, seal_sequence, leaf_index)
     SELECT sequence, ?, ROW_NUMBER() OVER (ORDER BY sequence) - 1 FROM audit_rows
      WHERE sequence > ? AND sequence <= ? ORDER BY sequence`,
    [seal.sequence, fromSequence, toSequence],
  );
  const [members] = await select<{ last: number | null }>(
    trx,
    'SELECT MAX(leaf_index) AS last FROM seal_members WHERE seal_sequence = ?',
    [seal.sequence],
  );
  assert(members?.last === seal.count - 1, `seal ${seal.sequence} is over ${seal.count} rows, not ${members?.last}`);
}

/** The hash column as 64 characters whatever somebody has put there, so that a page of hashes can be cut up. */
export function sqlHash(column: string): string {
  return `CASE WHEN octet_length(${column}) = 64 THEN ${column} ELSE '${NO_HASH}' END`;
}

const NO_HASH = '-'.repeat(64);

/** The 32 bytes of a hash in hex; zeros for what is none, which no row hashes to. */
export function hashBytes(hex: string): Buffer {
  const bytes = Buffer.from(hex, 'hex');
  return bytes.length === 32 ? bytes : Buffer.alloc(32);
}
