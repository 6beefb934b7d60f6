// The Merkle tree of RFC 6962 section 2.1 over the hashes of audit rows, built leaf by leaf, so that sealing or
// verifying millions of rows takes memory for the height of the tree only.
import { hash } from 'node:crypto';
import { assert } from '../errors.ts';

/**
 * A SHA-256 digest as 32 latin1 characters. The tree keeps strings inside: on Node 20 `hash()` gives a string 2.6 × as
 * fast as a Buffer (a root of 1 M leaves: 0.8 s against 2.1 s).
 */
export type Digest = string;

export const DIGEST_BYTES = 32;

/** RFC 6962 section 2.1: the hash of an empty list is the hash of an empty string. */
export const EMPTY_ROOT: Digest = hash('sha256', '', 'binary');

// Filled anew at every call; the first byte tells leaves from nodes, so that neither can pass for the other.
const leafInput = Buffer.alloc(1 + DIGEST_BYTES, 0x00);
const nodeInput = Buffer.alloc(1 + 2 * DIGEST_BYTES, 0x01);

/** RFC 6962 section 2.1: `SHA-256(0x00 ‖ leaf)`. */
export function leafHash(leaf: Buffer): Digest {
  assert(leaf.length === DIGEST_BYTES, `a leaf has ${DIGEST_BYTES} bytes, not ${leaf.length}`);
  leafInput.set(leaf, 1);
  return hash('sha256', leafInput, 'binary');
}

/** RFC 6962 section 2.1: `SHA-256(0x01 ‖ left ‖ right)`. */
export function nodeHash(left: Digest, right: Digest): Digest {
  nodeInput.write(left, 1, DIGEST_BYTES, 'latin1');
  nodeInput.write(right, 1 + DIGEST_BYTES, DIGEST_BYTES, 'latin1');
  return hash('sha256', nodeInput, 'binary');
}

export function toDigest(bytes: Buffer): Digest {
  assert(bytes.length === DIGEST_BYTES, `a digest has ${DIGEST_BYTES} bytes, not ${bytes.length}`);
  return bytes.toString('latin1');
}

export function toBytes(digest: Digest): Buffer {
  return Buffer.from(digest, 'latin1');
}

/** The root over the leaves added so far, in O(log n) memory. */
export class MerkleRoot {
  #count = 0;
  // The roots of the perfect subtrees, left to right: one for each 1 in the binary digits of the count.
  readonly #subtrees: Digest[] = [];

  /** How many leaves the tree has. */
  get count(): number {
    return this.#count;
  }

  /** Appends a leaf: the 32 bytes of a row's hash. */
  add(leaf: Buffer): void {
    this.addSubtree(leafHash(leaf), 1);
  }

  /** Appends `size` leaves of which only the root is known: a power of two that divides the count. */
  addSubtree(root: Digest, size: number): void {
    assert(this.#count % size === 0, `a subtree of ${size} leaves can't begin at leaf ${this.#count}`);
    let node = root;
    for (let place = this.#count / size; place % 2 === 1; place = (place - 1) / 2) {
      const left = this.#subtrees.pop();
      assert(left !== undefined, 'a right subtree has a left one');
      node = nodeHash(left, node);
    }
    this.#subtrees.push(node);
    this.#count += size;
  }

  /**
   * RFC 6962 section 2.1, `MTH(D[n])`: the left side of every split is the largest perfect subtree. With `rest`, the
   * root of the tree that has one more subtree `rest` to the right of all leaves, smaller than any to its left.
   * Leaves can be added afterwards.
   */
  root(rest?: Digest): Buffer {
    let node = rest;
    for (const left of this.#subtrees.toReversed()) node = node === undefined ? left : nodeHash(left, node);
    return toBytes(node ?? EMPTY_ROOT);
  }
}

/** The root over all `leaves` (RFC 6962 section 2.1), each the 32 bytes of a row's hash. */
export function merkleRoot(leaves: Iterable<Buffer>): Buffer {
  const tree = new MerkleRoot();
  for (const leaf of leaves) tree.add(leaf);
  return tree.root();
}
