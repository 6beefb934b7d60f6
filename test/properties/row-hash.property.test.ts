// The specialised serialiser equals a general RFC 8785 one, for every text and number that a row can hold; and a row
// that went through a database hashes to the same.
import { createHash } from 'node:crypto';
// canonicalize is CommonJS that exports the function itself, while its types declare a default export.
import { createRequire } from 'node:module';
import fc from 'fast-check';
import sqlite3 from 'sqlite3';
import { describe, expect, it } from 'vitest';
import { canonicalJson, HASHED_COLUMNS, type HashedFields, rowHash } from '../../src/audit/row-hash.ts';

const canonicalize: (value: unknown) => string | undefined = createRequire(import.meta.url)('canonicalize');

function rowsOf(text: fc.Arbitrary<string>): fc.Arbitrary<HashedFields> {
  const optional = fc.option(text);
  return fc.record({
    id: text,
    at: fc.maxSafeInteger(),
    actor: text,
    host: text,
    command: text,
    subject: text,
    action: text,
    before: fc.option(fc.oneof(text, fc.json())),
    after: fc.option(fc.oneof(text, fc.json())),
    result: text,
    reason: optional,
    customer_id: optional,
    charge_id: optional,
    gateway: optional,
    status: optional,
    currency: optional,
    amount_minor: fc.option(fc.oneof(fc.integer({ min: -1e15, max: 1e15 }), fc.constant(-0))),
  });
}

/** Texts that JSON escapes, or that look like an escape, next to any Unicode. */
const wellFormed = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('"', '\\', '\\ud83d', '\u0000', '\u001f', '\u007f', '\u2028', '\ufeff', '😀', '/'),
  }),
);
/** UTF-16 as it comes: surrogates may be alone. */
const anyUtf16 = fc.string({ unit: fc.nat({ max: 0xffff }).map((code) => String.fromCharCode(code)) });
const asUtf8 = (text: string) => Buffer.from(text, 'utf8').toString('utf8');

describe('the canonical JSON of an audit row', () => {
  it('equals canonicalize', () => {
    fc.assert(
      fc.property(rowsOf(wellFormed), (row) => {
        expect(canonicalJson(row)).toBe(canonicalize(row));
        expect(rowHash(row)).toBe(
          createHash('sha256')
            .update(canonicalize(row) ?? '')
            .digest('hex'),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('equals canonicalize of what UTF-8 can hold', () => {
    fc.assert(
      fc.property(rowsOf(fc.oneof(anyUtf16, fc.constantFrom('\ud83d', '\ude00x', 'a\udc00'))), (row) => {
        const entries = Object.entries(row).map(([column, value]) => [
          column,
          typeof value === 'string' ? asUtf8(value) : value,
        ]);
        expect(canonicalJson(row)).toBe(canonicalize(Object.fromEntries(entries)));
      }),
    );
  });

  it('covers every hashed column and no other', () => {
    fc.assert(
      fc.property(rowsOf(wellFormed), (row) => {
        expect(Object.keys(JSON.parse(canonicalJson(row)))).toEqual([...HASHED_COLUMNS].sort());
      }),
      { numRuns: 5 },
    );
  });

  it('changes with any field', () => {
    fc.assert(
      fc.property(rowsOf(wellFormed), fc.constantFrom(...HASHED_COLUMNS), (row, column) => {
        const changed = { ...row, [column]: typeof row[column] === 'number' ? row[column] / 2 + 1 : `${row[column]}!` };
        fc.pre(typeof changed[column] === 'string' || Number.isSafeInteger(changed[column]));
        fc.pre(changed[column] !== row[column]);
        fc.pre(column !== 'amount_minor' || typeof changed.amount_minor === 'number');
        expect(rowHash(changed)).not.toBe(rowHash(row));
      }),
    );
  });

  it('survives a round through SQLite', async () => {
    const db = new sqlite3.Database(':memory:');
    const names = HASHED_COLUMNS.map((column) => `? AS "${column}"`).join(', ');
    const readBack = (row: HashedFields) =>
      new Promise<HashedFields>((resolve, reject) => {
        const values = HASHED_COLUMNS.map((column) => row[column]);
        db.get<HashedFields>(`SELECT ${names}`, values, (error, stored) => (error ? reject(error) : resolve(stored)));
      });
    await fc.assert(
      fc.asyncProperty(rowsOf(fc.oneof(wellFormed, anyUtf16)), async (row) => {
        expect(rowHash(await readBack(row))).toBe(rowHash(row));
      }),
    );
    await new Promise<void>((resolve) => db.close(() => resolve()));
  });
});
