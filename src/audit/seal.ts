// Sealing: the rows that no seal holds yet become the leaves of a Merkle tree whose root is chained to the seal before.
import type { Clock } from '../clock.ts';
import type { Db } from '../storage/db.ts';
import type { Book } from '../storage/open.ts';
import { writeTrx } from '../storage/trx.ts';
import { hashesAfter, insertSeal, lastSeal, lastSealedSequence, type Seal } from './audit-store.ts';
import { MerkleRoot } from './merkle.ts';
import { sealHash } from './seal-hash.ts';

/** Rows per seal at most, so that sealing a long backlog never holds the writer's lock for long. */
const MAX_SEAL_ROWS = 50_000;
/** Hashed in one turn of the event loop. */
const PAGE_ROWS = 1_000;
export const NO_PREVIOUS_SEAL = '0'.repeat(64);

/**
 * Seals everything that is not sealed yet; returns how many rows that were, and the newest seal (or `null`). `signal`
 * ends it between two seals.
 */
export async function sealPending(
  book: Book,
  clock: Clock,
  signal?: AbortSignal,
): Promise<{ sealed: number; head: Seal | null }> {
  let sealed = 0;
  for (;;) {
    signal?.throwIfAborted();
    const part = await sealPart(book, clock, MAX_SEAL_ROWS);
    if (part === null) return { sealed, head: await lastSeal(book.reader) };
    sealed += part;
  }
}

/**
 * Seals the next `most` rows that are not sealed yet. Returns how many that were: 0 where another process has sealed some
 * of them meanwhile, `null` where there is nothing to seal.
 */
export async function sealPart(book: Book, clock: Clock, most: number): Promise<number | null> {
  const previous = await lastSeal(book.reader);
  const from = await lastSealedSequence(book.reader);
  const { tree, to } = await treeOver(book.reader, from, most);
  if (tree.count === 0) return null;
  const nowMs = clock.nowMs();
  const root = tree.root();
  const seal: Seal = {
    sequence: (previous?.sequence ?? 0) + 1,
    previousSealHash: previous?.sealHash ?? NO_PREVIOUS_SEAL,
    root: root.toString('hex'),
    count: tree.count,
    sealedAt: nowMs,
    sealHash: sealHash({
      previousSealHash: previous === null ? null : Buffer.from(previous.sealHash, 'hex'),
      root,
      count: tree.count,
      sealedAtMs: nowMs,
    }).toString('hex'),
  };
  return writeTrx(book, async (trx) => {
    const last = await lastSeal(trx);
    if ((last?.sequence ?? 0) !== (previous?.sequence ?? 0) || (await lastSealedSequence(trx)) !== from) return 0;
    await insertSeal(trx, seal, from, to);
    return seal.count;
  });
}

/**
 * The tree over the rows behind `from`, `most` of them at most, and the last of these. Read before the writer's lock is
 * taken: rows are never changed, and those of an earlier sequence were committed earlier, so none can come between.
 */
async function treeOver(db: Db, from: number, most: number): Promise<{ tree: MerkleRoot; to: number }> {
  const tree = new MerkleRoot();
  let to = from;
  while (tree.count < most) {
    const asked = Math.min(PAGE_ROWS, most - tree.count);
    const page = await hashesAfter(db, to, asked);
    for (const row of page) tree.add(Buffer.from(row.hash, 'hex'));
    to = page.at(-1)?.sequence ?? to;
    if (page.length < asked) break;
  }
  return { tree, to };
}
