// One proof that many rows belong to a seal, so that an export of a part of the audit log can be verified without the
// rest: the roots of the largest subtrees of the RFC 6962 tree that hold none of the rows, left to right. It proves that
// each row was sealed at its index; it does not prove that no other sealed row was left out.
import { assert, BursarError } from '../errors.ts';
import { DIGEST_BYTES, type Digest, leafHash, MerkleRoot, nodeHash, toBytes, toDigest } from './merkle.ts';

export interface Multiproof {
  /** How many leaves the whole tree has. */
  count: number;
  /** 32 bytes each. Empty if every leaf is included; the root alone if none is (and the tree isn't empty). */
  proof: Buffer[];
}

/** Builds the proof from one pass over all leaves, in order. Memory: the proof and O(log n). */
export class MultiproofBuilder {
  #count = 0;
  // As in MerkleRoot, but null where a subtree holds an included leaf: the verifier computes those. No null has a
  // digest before it, since an included leaf settles everything to its left.
  readonly #subtrees: (Digest | null)[] = [];
  readonly #proof: Buffer[] = [];

  /** Takes the next leaf (32 bytes), and whether the verifier will hold it. */
  add(leaf: Buffer, included: boolean): void {
    if (included) this.#settle();
    let node = included ? null : leafHash(leaf);
    for (let place = this.#count; place % 2 === 1; place = (place - 1) / 2) node = this.#join(node);
    this.#subtrees.push(node);
    this.#count += 1;
  }

  /** The proof. The builder can't be used afterwards. */
  finish(): Multiproof {
    let node = this.#subtrees.pop() ?? null;
    while (this.#subtrees.length > 0) node = this.#join(node);
    if (node !== null) this.#proof.push(toBytes(node));
    return { count: this.#count, proof: this.#proof };
  }

  /** An included leaf comes next: it lies in the sibling of each subtree so far, so they grow no further. */
  #settle(): void {
    const from = this.#subtrees.lastIndexOf(null) + 1;
    for (let index = from; index < this.#subtrees.length; index += 1) {
      const digest = this.#subtrees[index];
      if (typeof digest === 'string') this.#proof.push(toBytes(digest));
      this.#subtrees[index] = null;
    }
  }

  /** The parent of the last subtree and `right`. */
  #join(right: Digest | null): Digest | null {
    const left = this.#subtrees.pop();
    assert(left !== undefined, 'a right subtree has a left one');
    if (right === null) {
      assert(left === null, 'an included leaf settles what is to its left');
      return null;
    }
    if (left !== null) return nodeHash(left, right);
    this.#proof.push(toBytes(right));
    return null;
  }
}

/** Computes the root from the included leaves and the proof. Memory beyond the proof: O(log n). */
export class MultiproofVerifier {
  readonly #tree = new MerkleRoot();
  readonly #count: number;
  readonly #proof: readonly Buffer[];
  #used = 0;

  /** Refuses (`corrupt_file`) a count that is not one, and hashes that are not 32 bytes long. */
  constructor(count: number, proof: readonly Buffer[]) {
    if (!Number.isSafeInteger(count) || count < 0) throw corrupt(`its count of sealed rows is ${count}`);
    const wrong = proof.findIndex((digest) => digest.length !== DIGEST_BYTES);
    if (wrong !== -1) throw corrupt(`hash ${wrong} is not ${DIGEST_BYTES} bytes long`);
    this.#count = count;
    this.#proof = proof;
  }

  /** Takes the next included leaf; indices ascend. Refuses (`corrupt_file`) any other, and a proof that is too short. */
  add(index: number, leaf: Buffer): void {
    if (!Number.isSafeInteger(index) || index < 0 || index >= this.#count) {
      throw corrupt(`index ${index} is not among its ${this.#count} sealed rows`);
    }
    if (index < this.#tree.count) throw corrupt(`index ${index} comes after index ${this.#tree.count - 1}`);
    while (this.#tree.count < index) {
      let size = alignment(this.#tree.count);
      while (this.#tree.count + size > index) size /= 2;
      this.#tree.addSubtree(this.#next(), size);
    }
    this.#tree.add(leaf);
  }

  /** The root to compare with the seal's. Refuses (`corrupt_file`) a proof that is too short or too long. */
  finish(): Buffer {
    const rest = this.#rest();
    if (this.#used < this.#proof.length) {
      throw corrupt(`it has ${this.#proof.length} hashes where ${this.#used} are needed`);
    }
    return this.#tree.root(rest);
  }

  /** Adds what lies to the right of the last included leaf, but for the subtree that may be cut off by the tree's end. */
  #rest(): Digest | undefined {
    while (this.#tree.count < this.#count) {
      const size = alignment(this.#tree.count);
      if (size >= this.#count - this.#tree.count) return this.#next();
      this.#tree.addSubtree(this.#next(), size);
    }
    return undefined;
  }

  #next(): Digest {
    const bytes = this.#proof[this.#used];
    if (bytes === undefined) throw corrupt(`it has only ${this.#proof.length} hashes, and more are needed`);
    this.#used += 1;
    return toDigest(bytes);
  }
}

/** The size of the largest perfect subtree that can begin at leaf `index`: the largest power of two that divides it. */
function alignment(index: number): number {
  if (index === 0) return 2 ** 53;
  let size = 1;
  while (index % (2 * size) === 0) size *= 2;
  return size;
}

function corrupt(what: string): BursarError {
  return new BursarError('corrupt_file', `The proof does not fit the rows: ${what}. The rows are not verified.`, {
    hint: 'Take the export and its manifest from a copy you trust, or export them again.',
  });
}
