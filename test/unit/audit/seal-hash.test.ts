// The byte layout of a seal is a promise to whoever recomputes one: 80 bytes, in this order.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type SealedFields, sealHash } from '../../../src/audit/seal-hash.ts';

const root = Buffer.alloc(32, 0xab);
const first: SealedFields = { previousSealHash: null, root, count: 258, sealedAtMs: 1_767_225_600_000 };
const layout = (previous: string) =>
  createHash('sha256')
    .update(Buffer.from(`${previous}${'ab'.repeat(32)}00000000000001020000019b76daa800`, 'hex'))
    .digest('hex');

describe('sealHash', () => {
  it('hashes zeros, root, count and time for the first seal', () => {
    expect(sealHash(first).toString('hex')).toBe(layout('00'.repeat(32)));
  });

  it('hashes the seal before for the others', () => {
    const second = sealHash({ ...first, previousSealHash: Buffer.alloc(32, 0xcd) });
    expect(second.toString('hex')).toBe(layout('cd'.repeat(32)));
  });

  it('holds numbers above 32 bits', () => {
    expect(sealHash({ ...first, count: 2 ** 32 })).not.toEqual(sealHash({ ...first, count: 0 }));
    expect(sealHash({ ...first, sealedAtMs: first.sealedAtMs + 2 ** 32 })).not.toEqual(sealHash(first));
  });

  it('refuses what has no place in the layout', () => {
    expect(() => sealHash({ ...first, root: root.subarray(1) })).toThrow('32 bytes');
    expect(() => sealHash({ ...first, previousSealHash: Buffer.alloc(0) })).toThrow('32 bytes');
    expect(() => sealHash({ ...first, count: -1 })).toThrow('count');
    expect(() => sealHash({ ...first, sealedAtMs: 0.5 })).toThrow('time');
  });
});
