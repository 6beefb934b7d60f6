// What a multiproof holds at the edges, what its verifier refuses, and that a tree of millions stays quick and small.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { leafHash, merkleRoot, nodeHash, toBytes } from '../../../src/audit/merkle.ts';
import { type Multiproof, MultiproofBuilder, MultiproofVerifier } from '../../../src/audit/multiproof.ts';

const leaf = (index: number) => createHash('sha256').update(`leaf ${index}`).digest();
const leavesOf = (count: number) => Array.from({ length: count }, (_, index) => leaf(index));

function prove(count: number, included: (index: number) => boolean): Multiproof {
  const builder = new MultiproofBuilder();
  for (let index = 0; index < count; index += 1) builder.add(leaf(index), included(index));
  return builder.finish();
}

function verify({ count, proof }: Multiproof, indices: readonly number[]): Buffer {
  const verifier = new MultiproofVerifier(count, proof);
  for (const index of indices) verifier.add(index, leaf(index));
  return verifier.finish();
}

describe('a multiproof', () => {
  it('is empty when every leaf is included', () => {
    const made = prove(7, () => true);
    expect(made).toEqual({ count: 7, proof: [] });
    expect(verify(made, [0, 1, 2, 3, 4, 5, 6])).toEqual(merkleRoot(leavesOf(7)));
  });

  it('is the root when no leaf is included', () => {
    const made = prove(7, () => false);
    expect(made.proof).toEqual([merkleRoot(leavesOf(7))]);
    expect(verify(made, [])).toEqual(merkleRoot(leavesOf(7)));
  });

  it('is empty for the empty tree, so that nothing passes for its root', () => {
    expect(prove(0, () => true)).toEqual({ count: 0, proof: [] });
    expect(verify({ count: 0, proof: [] }, [])).toEqual(merkleRoot([]));
    expect(() => verify({ count: 0, proof: [leaf(0)] }, [])).toThrow('1 hashes where 0 are needed');
  });

  it('holds the largest subtrees without an included leaf, left to right', () => {
    const [l0, l1, , l3, l4, l5, l6] = leavesOf(7).map((bytes) => leafHash(bytes));
    const { proof } = prove(7, (index) => index === 2);
    const right = nodeHash(nodeHash(`${l4}`, `${l5}`), `${l6}`);
    expect(proof).toEqual([toBytes(nodeHash(`${l0}`, `${l1}`)), toBytes(`${l3}`), toBytes(right)]);
  });
});

describe('the verifier of a multiproof', () => {
  const made = prove(10, (index) => index === 3 || index === 6);
  const rejected = (work: () => unknown) => expect(work).toThrow(expect.objectContaining({ code: 'corrupt_file' }));

  it('accepts what was proved', () => expect(verify(made, [3, 6])).toEqual(merkleRoot(leavesOf(10))));
  it('refuses indices out of order', () => rejected(() => verify(made, [6, 3])));
  it('refuses an index twice', () => rejected(() => verify(made, [3, 3])));
  it.each([10, -1, 3.5, Number.NaN])('refuses index %s', (index) => rejected(() => verify(made, [index])));
  it('refuses a row behind the last one', () => {
    rejected(() =>
      verify(
        prove(4, () => true),
        [0, 1, 2, 3, 4],
      ),
    );
  });
  it.each([-1, 1.5, 2 ** 53, Number.NaN])('refuses count %s', (count) => {
    rejected(() => new MultiproofVerifier(count, []));
  });
  it('refuses too few hashes', () => rejected(() => verify({ ...made, proof: made.proof.slice(0, -1) }, [3, 6])));
  it('refuses too many hashes', () => rejected(() => verify({ ...made, proof: [...made.proof, leaf(0)] }, [3, 6])));
  it('refuses a hash of another length', () => {
    rejected(() => verify({ ...made, proof: made.proof.map((digest) => digest.subarray(1)) }, [3, 6]));
  });
  it('refuses a count larger than any proof could cover, at once', () => {
    rejected(() => verify({ count: Number.MAX_SAFE_INTEGER, proof: made.proof }, [2 ** 52 + 1]));
  });

  it('proves a few rows among 100,000 with a few hashes', () => {
    const count = 100_000;
    const indices = [0, 65_535, 65_536, 98_304, 99_999];
    const included = new Set(indices);
    const big = prove(count, (index) => included.has(index));
    expect(big.proof.length).toBeLessThan(indices.length * 17);
    expect(verify(big, indices)).toEqual(merkleRoot(leavesOf(count)));
  });
});
