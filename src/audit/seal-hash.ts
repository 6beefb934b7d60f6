// The hash of a seal, which chains it to the seal before: whoever keeps the newest one elsewhere holds the whole log.
import { createHash } from 'node:crypto';
import { assert } from '../errors.ts';
import { DIGEST_BYTES } from './merkle.ts';

export interface SealedFields {
  /** The hash of the seal before, 32 bytes; null for the first seal of a book. */
  previousSealHash: Buffer | null;
  /** The Merkle root over the sealed rows, 32 bytes. */
  root: Buffer;
  /** How many rows are sealed: it fixes the shape of the tree. */
  count: number;
  sealedAtMs: number;
}

/**
 * SHA-256 over exactly 80 bytes:
 *
 * | bytes | what |
 * | --- | --- |
 * | 0–31 | the hash of the seal before; 32 zero bytes for the first |
 * | 32–63 | the Merkle root (RFC 6962 section 2.1) |
 * | 64–71 | the count, unsigned 64 bits, big endian |
 * | 72–79 | the time in epoch milliseconds, unsigned 64 bits, big endian |
 *
 * Every field has a fixed length, so no two seals share their bytes; and no leaf (33 bytes) or node (65) of a tree can
 * pass for a seal. The place in the chain is not hashed: the hash before settles it.
 */
export function sealHash({ previousSealHash, root, count, sealedAtMs }: SealedFields): Buffer {
  const previous = previousSealHash ?? Buffer.alloc(DIGEST_BYTES);
  assert(previous.length === DIGEST_BYTES && root.length === DIGEST_BYTES, 'a hash in a seal has 32 bytes');
  assert(Number.isSafeInteger(count) && count >= 0, `the count of a seal is ${count}`);
  assert(Number.isSafeInteger(sealedAtMs) && sealedAtMs >= 0, `the time of a seal is ${sealedAtMs}`);
  const numbers = Buffer.alloc(16);
  numbers.writeBigUInt64BE(BigInt(count), 0);
  numbers.writeBigUInt64BE(BigInt(sealedAtMs), 8);
  return createHash('sha256').update(previous).update(root).update(numbers).digest();
}

/** A seal as it is stored and exported: hashes in hex, the time in epoch milliseconds. */
export interface StoredSeal {
  previousSealHash: string;
  root: string;
  count: number;
  sealedAt: number;
}

/** The hash that a seal of these fields has; null for fields that no seal can have. */
export function recomputedSealHash(seal: StoredSeal): string | null {
  const isHash = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);
  const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
  const { previousSealHash, root, count, sealedAt } = seal;
  if (!isHash(previousSealHash) || !isHash(root) || !isCount(count) || !isCount(sealedAt)) return null;
  return sealHash({
    previousSealHash: Buffer.from(previousSealHash, 'hex'),
    root: Buffer.from(root, 'hex'),
    count,
    sealedAtMs: sealedAt,
  }).toString('hex');
}
