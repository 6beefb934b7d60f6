// What a list's flags come to.
import { expect, test } from 'vitest';
import { listRange } from '../../../src/cli/flags.ts';

test.each([
  [{ all: false }, { format: 'table', limit: 50 }],
  [
    { all: false, json: true },
    { format: 'json', limit: 50 },
  ],
  [
    { all: false, format: 'csv' as const },
    { format: 'csv', limit: null },
  ],
  [
    { all: false, format: 'ndjson' as const, limit: 3 },
    { format: 'ndjson', limit: 3 },
  ],
  [{ all: true }, { format: 'table', limit: null }],
  [
    { all: true, json: true, format: 'json' as const },
    { format: 'json', limit: null },
  ],
])('%j', (flags, expected) => expect(listRange(flags)).toEqual(expected));

test('two formats at once are refused', () => {
  expect(() => listRange({ all: false, json: true, format: 'csv' })).toThrow(
    expect.objectContaining({ code: 'usage' }),
  );
});
