// The hash of a row stands in books: whoever imports a file again years later must get the same one.
import { expect, it } from 'vitest';
import { rowHash } from '../../../src/imports/row.ts';

const HASH = 'ffd8a153c1f1741aca2ee47fd0c6a5ac94db66563e42dfb40a516ce1af7f4512';

it('hashes what a row says, in one form', () => {
  const payer = {
    customerId: null,
    customerReference: 'c-1',
    name: 'Ada',
    email: null,
    methodId: null,
    gateway: null,
    token: 'tok_approved',
    brand: null,
    last4: null,
  };
  const facts = {
    amountMinor: 2000n,
    currency: 'USD',
    policy: 'standard',
    description: 'Zoë "best"',
    metadata: { plan: 'gold', b: 'y', a: 'x' },
    recurrence: { every: { count: 1, unit: 'month' }, on: null, start: '2025-01-31', time: '09:00' },
    paidThrough: '2026-10-31',
  };
  expect(rowHash(payer, facts)).toBe(HASH);
  // The order of the file's columns is no part of it.
  expect(rowHash(payer, { ...facts, metadata: { a: 'x', plan: 'gold', b: 'y' } })).toBe(HASH);
});
