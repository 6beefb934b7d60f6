// Sealing: the rows that no seal holds yet become the leaves of a Merkle tree whose root is chained to the seal before.
import type { Clock } from '../clock.ts';
import type { Book } from '../storage/open.ts';
import { writeTrx } from '../storage/trx.ts';
import { hashesAfter, insertSeal, lastSeal, lastSealedSequence, type Seal } from './audit-store.ts';
import { MerkleRoot } from './merkle.ts';
import { sealHash } from './seal-hash.ts';

/** Rows per seal at most, so that sealing a long backlog never holds the writer's lock for long. */
const MAX_SEAL_ROWS = 50_000;
const PAGE_ROWS = 10_000;
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
  while ((await hashesAfter(book.reader, await lastSealedSequence(book.reader), 1)).length > 0) {
    signal?.throwIfAborted();
    const seal = await sealOnce(book, clock.nowMs());
    // Another process has sealed them meanwhile.
    if (seal === null) break;
    sealed += seal.count;
  }
  return { sealed, head: await lastSeal(book.reader) };
}

async function sealOnce(book: Book, nowMs: number): Promise<Seal | null> {
  return writeTrx(book, async (trx) => {
    const previous = await lastSeal(trx);
    const from = await lastSealedSequence(trx);
    const tree = new MerkleRoot();
    let to = from;
    while (tree.count < MAX_SEAL_ROWS) {
      const page = await hashesAfter(trx, to, Math.min(PAGE_ROWS, MAX_SEAL_ROWS - tree.count));
      for (const row of page) tree.add(Buffer.from(row.hash, 'hex'));
      to = page.at(-1)?.sequence ?? to;
      if (page.length < PAGE_ROWS) break;
    }
    if (tree.count === 0) return null;
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
    await insertSeal(trx, seal, from, to);
    return seal;
  });
}
