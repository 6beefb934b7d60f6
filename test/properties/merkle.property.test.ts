// The streaming tree equals RFC 6962 as written there, recursively; a multiproof of any rows gives the same root, and
// any tampering with rows or proof does not.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { merkleRoot } from '../../src/audit/merkle.ts';
import { MultiproofBuilder, MultiproofVerifier } from '../../src/audit/multiproof.ts';
import { BursarError } from '../../src/errors.ts';

const sha256 = (...parts: (string | Buffer)[]) => {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(part);
  return sum.digest();
};
const ZERO = Buffer.of(0);
const ONE = Buffer.of(1);

/** RFC 6962 section 2.1, word for word. */
function naiveRoot(leaves: readonly Buffer[]): Buffer {
  const [first] = leaves;
  if (first === undefined) return sha256('');
  if (leaves.length === 1) return sha256(ZERO, first);
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha256(ONE, naiveRoot(leaves.slice(0, split)), naiveRoot(leaves.slice(split)));
}

/** The maximal subtrees without an included leaf, by definition. */
function naiveProof(leaves: readonly Buffer[], included: readonly boolean[]): Buffer[] {
  if (leaves.length === 0) return [];
  if (!included.includes(true)) return [naiveRoot(leaves)];
  if (leaves.length === 1) return [];
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return [
    ...naiveProof(leaves.slice(0, split), included.slice(0, split)),
    ...naiveProof(leaves.slice(split), included.slice(split)),
  ];
}

interface Row {
  index: number;
  leaf: Buffer;
}

function rootOf(count: number, proof: readonly Buffer[], rows: readonly Row[]): Buffer {
  const verifier = new MultiproofVerifier(count, proof);
  for (const row of rows) verifier.add(row.index, row.leaf);
  return verifier.finish();
}

/** Whether the root comes out; anything but a wrong root or a typed refusal fails the test. */
function isAccepted(root: Buffer, count: number, proof: readonly Buffer[], rows: readonly Row[]): boolean {
  try {
    return rootOf(count, proof, rows).equals(root);
  } catch (error) {
    if (error instanceof BursarError && error.code === 'corrupt_file') return false;
    throw error;
  }
}

// Sparse, dense and even choices, since long gaps and long runs take different paths.
const subsets = fc
  .tuple(fc.integer({ min: 0, max: 200 }), fc.constantFrom(0, 2, 50, 98, 100))
  .chain(([count, percent]) =>
    fc.array(
      fc.integer({ min: 0, max: 99 }).map((draw) => draw < percent),
      { minLength: count, maxLength: count },
    ),
  )
  .map((included) => {
    const leaves = included.map((_, index) => sha256(`leaf ${index}`));
    const builder = new MultiproofBuilder();
    for (const [index, leaf] of leaves.entries()) builder.add(leaf, included[index] === true);
    const rows = leaves.map((leaf, index) => ({ index, leaf })).filter(({ index }) => included[index] === true);
    return { leaves, included, rows, root: merkleRoot(leaves), ...builder.finish() };
  });
const positions = fc.nat({ max: 10_000 });

describe('the Merkle tree', () => {
  it('has the root of RFC 6962 for every count up to 130', () => {
    const leaves = Array.from({ length: 130 }, (_, index) => sha256(`leaf ${index}`));
    for (let count = 0; count <= leaves.length; count += 1) {
      expect(merkleRoot(leaves.slice(0, count))).toEqual(naiveRoot(leaves.slice(0, count)));
    }
  });
});

describe('a multiproof', () => {
  it('has the hashes of its definition, for every subset of up to 9 leaves', () => {
    for (let count = 0; count <= 9; count += 1) {
      const leaves = Array.from({ length: count }, (_, index) => sha256(`leaf ${index}`));
      for (let bits = 0; bits < 2 ** count; bits += 1) {
        const included = leaves.map((_, index) => ((bits >> index) & 1) === 1);
        const builder = new MultiproofBuilder();
        for (const [index, leaf] of leaves.entries()) builder.add(leaf, included[index] === true);
        const { proof } = builder.finish();
        expect(proof).toEqual(naiveProof(leaves, included));
        const rows = leaves.map((leaf, index) => ({ index, leaf })).filter(({ index }) => included[index] === true);
        expect(rootOf(count, proof, rows)).toEqual(merkleRoot(leaves));
      }
    }
  });

  it('gives the root back, for random subsets', () => {
    fc.assert(
      fc.property(subsets, ({ leaves, included, rows, root, count, proof }) => {
        expect(proof).toEqual(naiveProof(leaves, included));
        expect(rootOf(count, proof, rows)).toEqual(root);
      }),
    );
  });

  it('does not accept a changed leaf', () => {
    fc.assert(
      fc.property(subsets, positions, fc.nat({ max: 255 }), ({ rows, root, count, proof }, position, bit) => {
        fc.pre(rows.length > 0);
        const changed = rows.map((row, place) =>
          place === position % rows.length ? { ...row, leaf: flip(row.leaf, bit) } : row,
        );
        expect(isAccepted(root, count, proof, changed)).toBe(false);
      }),
    );
  });

  it('does not accept a leaf at another index', () => {
    fc.assert(
      fc.property(subsets, positions, positions, ({ rows, root, count, proof }, position, target) => {
        const row = rows[position % Math.max(rows.length, 1)];
        fc.pre(row !== undefined && row.index !== target % count);
        const moved = rows.map((other) => (other === row ? { ...other, index: target % count } : other));
        expect(isAccepted(root, count, proof, moved)).toBe(false);
        moved.sort((a, b) => a.index - b.index);
        expect(isAccepted(root, count, proof, moved)).toBe(false);
      }),
    );
  });

  it('does not accept two leaves that changed places', () => {
    fc.assert(
      fc.property(subsets, positions, ({ rows, root, count, proof }, position) => {
        fc.pre(rows.length > 1);
        const at = position % (rows.length - 1);
        const leaves = rows.map(({ leaf }) => leaf);
        leaves.splice(at, 2, ...leaves.slice(at, at + 2).reverse());
        const swapped = rows.map(({ index }, place) => ({ index, leaf: leaves[place] ?? Buffer.alloc(32) }));
        expect(isAccepted(root, count, proof, swapped)).toBe(false);
      }),
    );
  });

  it('does not accept a missing or an added leaf', () => {
    fc.assert(
      fc.property(subsets, positions, ({ leaves, rows, root, count, proof }, position) => {
        const dropped = rows.filter((_, place) => place !== position % Math.max(rows.length, 1));
        if (rows.length > 0) expect(isAccepted(root, count, proof, dropped)).toBe(false);
        const index = position % Math.max(count, 1);
        const leaf = leaves[index];
        if (leaf === undefined || rows.some((row) => row.index === index)) return;
        const added = [...rows, { index, leaf }].sort((a, b) => a.index - b.index);
        expect(isAccepted(root, count, proof, added)).toBe(false);
      }),
    );
  });

  it('does not accept a changed, missing or added hash of the proof', () => {
    fc.assert(
      fc.property(subsets, positions, fc.nat({ max: 255 }), ({ rows, root, count, proof }, position, bit) => {
        expect(isAccepted(root, count, [...proof, sha256('added')], rows)).toBe(false);
        fc.pre(proof.length > 0);
        const at = position % proof.length;
        const changed = proof.map((digest, place) => (place === at ? flip(digest, bit) : digest));
        expect(isAccepted(root, count, changed, rows)).toBe(false);
        expect(isAccepted(root, count, proof.toSpliced(at, 1), rows)).toBe(false);
      }),
    );
  });
});

function flip(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  const at = bit >> 3;
  copy[at] = (copy[at] ?? 0) ^ (1 << (bit & 7));
  return copy;
}
