// The audit rows of a big book and their seals: SQLite builds the canonical JSON of a page, which is hashed here as the
// product does it.
import { hash } from 'node:crypto';
import type { Knex } from 'knex';
import { insertSeal, type Seal } from '../src/audit/audit-store.ts';
import { MerkleRoot } from '../src/audit/merkle.ts';
import { HASHED_COLUMNS } from '../src/audit/row-hash.ts';
import { NO_PREVIOUS_SEAL } from '../src/audit/seal.ts';
import { sealHash } from '../src/audit/seal-hash.ts';
import { select } from '../src/storage/batch.ts';

/** What goes on from chunk to chunk. */
export interface Sealer {
  hashes: boolean;
  /** How many rows may still be written. */
  left: number;
  /** The newest seal. */
  seal: Seal | null;
}

/** As a day's run of a big book leaves them. */
const ROWS_PER_SEAL = 25_000;
const PAGE_ROWS = 5_000;

const COLUMNS = HASHED_COLUMNS.map((column) => `"${column}"`).join(', ');
const CANONICAL = `json_object(${[...HASHED_COLUMNS]
  .sort()
  .map((column) => `'${column}', "${column}"`)
  .join(', ')})`;

/** Writes what stands in `temp.staged`, and seals it. */
export async function insertAudit(trx: Knex, sealer: Sealer): Promise<void> {
  const [first] = await select<{ sequence: number | null }>(trx, 'SELECT MAX(sequence) AS sequence FROM audit_rows');
  const [staged] = await select<{ count: number }>(trx, 'SELECT COUNT(*) AS count FROM temp.staged');
  const before = first?.sequence ?? 0;
  const count = Math.min(sealer.left, staged?.count ?? 0);
  for (let from = 0; from < count; from += ROWS_PER_SEAL) {
    const to = Math.min(count, from + ROWS_PER_SEAL);
    const root = sealer.hashes ? await insertHashed(trx, from, to) : await insertMadeUp(trx, from, to);
    sealer.seal = nextSeal(sealer.seal, root, to - from, await lastTime(trx, to));
    await insertSeal(trx, sealer.seal, before + from, before + to);
  }
  sealer.left -= count;
}

/** The rows (from, to] of `staged`; answers with the root over their hashes. */
async function insertHashed(trx: Knex, from: number, to: number): Promise<Buffer> {
  const tree = new MerkleRoot();
  for (let at = from; at < to; at += PAGE_ROWS) {
    const end = Math.min(to, at + PAGE_ROWS);
    const [page] = await select<{ json: string }>(
      trx,
      `SELECT group_concat(json, char(10)) AS json FROM (
         SELECT ${CANONICAL} AS json FROM temp.staged WHERE rowid > ? AND rowid <= ? ORDER BY rowid)`,
      [at, end],
    );
    const hashes = (page?.json ?? '').split('\n').map((json) => hash('sha256', json));
    for (const each of hashes) tree.add(Buffer.from(each, 'hex'));
    await trx.raw(
      `INSERT INTO audit_rows (${COLUMNS}, hash) SELECT ${COLUMNS}, h.hash
         FROM (SELECT key, value AS hash FROM json_each(?)) h
         CROSS JOIN temp.staged s WHERE s.rowid = ? + h.key`,
      [JSON.stringify(hashes), at + 1],
    );
  }
  return tree.root();
}

async function insertMadeUp(trx: Knex, from: number, to: number): Promise<Buffer> {
  await trx.raw(
    `INSERT INTO audit_rows (${COLUMNS}, hash) SELECT ${COLUMNS}, printf('%064x', rowid) FROM temp.staged
      WHERE rowid > ? AND rowid <= ? ORDER BY rowid`,
    [from, to],
  );
  return Buffer.alloc(32, 1);
}

async function lastTime(trx: Knex, row: number): Promise<number> {
  const [last] = await select<{ at: number }>(trx, 'SELECT at FROM temp.staged WHERE rowid = ?', [row]);
  return last?.at ?? 0;
}

function nextSeal(previous: Seal | null, root: Buffer, count: number, sealedAt: number): Seal {
  const previousSealHash = previous?.sealHash ?? NO_PREVIOUS_SEAL;
  return {
    sequence: (previous?.sequence ?? 0) + 1,
    previousSealHash,
    root: root.toString('hex'),
    count,
    sealedAt,
    sealHash: sealHash({
      previousSealHash: previous === null ? null : Buffer.from(previousSealHash, 'hex'),
      root,
      count,
      sealedAtMs: sealedAt,
    }).toString('hex'),
  };
}
