// Free text and metadata: what is taken as it is, and what is refused before anything is stored.
import { expect, test } from 'vitest';
import { parseMetadata } from '../../../src/cli/metadata.ts';
import { checkText } from '../../../src/cli/text-input.ts';

test.each([['Order 1042'], ['Zażółć gęślą jaźń 🏦'], ['x'.repeat(500)], ['🏦'.repeat(500)], [' a ']])(
  'takes text %#',
  (text) => {
    expect(checkText('--description', text)).toBe(text);
  },
);

test.each([
  [''],
  [' \u00a0'],
  ['two\nlines'],
  ['tab\tbed'],
  ['\u001b[2J'],
  ['\u009b2J'],
  ['\u202egnp.exe'],
  ['\u2028'],
  ['half \ud83d'],
  ['x'.repeat(501)],
])('refuses text %#', (text) => {
  expect(() => checkText('--reason', text)).toThrow(
    expect.objectContaining({
      code: 'invalid_value',
      exitCode: 2,
      message: expect.stringMatching(/^--reason .*Nothing was done\.$/),
    }),
  );
});

test('metadata', () => {
  expect(parseMetadata(undefined)).toEqual({});
  expect(parseMetadata(['order=1042', 'empty=', 'sum=a=b', ' key =v'])).toEqual({
    order: '1042',
    empty: '',
    sum: 'a=b',
    key: 'v',
  });
  expect(Object.entries(parseMetadata(['__proto__=1', 'constructor=2']))).toEqual([
    ['__proto__', '1'],
    ['constructor', '2'],
  ]);
});

test.each([
  [['order']],
  [['=1']],
  [[' =1']],
  [['a=1', 'a=1']],
  [['a=1', ' a=2']],
  [[`${'k'.repeat(41)}=1`]],
  [[`k=${'v'.repeat(501)}`]],
  [['k=\u0007']],
  [['k\nl=1']],
  [Array.from({ length: 51 }, (_, index) => `k${index}=1`)],
])('refuses metadata %#', (pairs) => {
  expect(() => parseMetadata(pairs)).toThrow(expect.objectContaining({ code: 'invalid_value' }));
});
