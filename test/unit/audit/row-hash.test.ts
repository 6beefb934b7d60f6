// The canonical JSON of an audit row, written out once in full: auditors recompute exactly these bytes.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { canonicalJson, type HashedFields, rowHash } from '../../../src/audit/row-hash.ts';

const row: HashedFields = {
  id: 'au_1',
  at: 1_767_225_600_000,
  actor: 'Zoë',
  host: 'ops-1',
  command: 'charges refund',
  subject: 'ch_1',
  action: 'refunded',
  before: null,
  after: '{"a":1}',
  result: 'done',
  reason: 'asked\nfor',
  customer_id: 'cus_1',
  charge_id: 'ch_1',
  gateway: 'stripe',
  status: 'refunded',
  currency: 'EUR',
  amount_minor: 1e15,
};
const JSON_TEXT =
  '{"action":"refunded","actor":"Zoë","after":"{\\"a\\":1}","amount_minor":1000000000000000,"at":1767225600000,' +
  '"before":null,"charge_id":"ch_1","command":"charges refund","currency":"EUR","customer_id":"cus_1",' +
  '"gateway":"stripe","host":"ops-1","id":"au_1","reason":"asked\\nfor","result":"done","status":"refunded",' +
  '"subject":"ch_1"}';

describe('rowHash', () => {
  it('is the SHA-256 of the canonical JSON', () => {
    expect(canonicalJson(row)).toBe(JSON_TEXT);
    expect(rowHash(row)).toBe(createHash('sha256').update(JSON_TEXT, 'utf8').digest('hex'));
  });

  it('leaves out fields that are not hashed', () => {
    const stored = { ...row, hash: 'x', seal_id: 7 };
    expect(rowHash(stored)).toBe(rowHash(row));
  });

  it('tells null from the empty string, and from the text null', () => {
    const hashes = [null, '', 'null'].map((reason) => rowHash({ ...row, reason }));
    expect(new Set(hashes).size).toBe(3);
  });

  it('hashes a lone surrogate as what a database stores for it', () => {
    expect(rowHash({ ...row, reason: 'a\ud83d' })).toBe(rowHash({ ...row, reason: 'a\ufffd' }));
    expect(rowHash({ ...row, reason: 'a\\ud83d' })).not.toBe(rowHash({ ...row, reason: 'a\ufffd' }));
  });

  it.each([Number.NaN, 0.5, 2 ** 53])('refuses %s as a time or an amount', (number) => {
    expect(() => rowHash({ ...row, at: number })).toThrow('time');
    expect(() => rowHash({ ...row, amount_minor: number })).toThrow('amount');
  });
});
