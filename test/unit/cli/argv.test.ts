// What people type is brought into the form that oclif takes, and nothing else is touched.
import { expect, test } from 'vitest';
import { hasFlag, normalizeArguments } from '../../../src/cli/argv.ts';

test.each([
  ['', '--help', ['help']],
  ['', 'charges --help', ['help', 'charges']],
  ['', 'charges list --book x', ['--book', 'x', 'charges', 'list']],
  ['', 'charges list --book=x --json', ['--book=x', '--json', 'charges', 'list']],
  ['', 'charges list --utc -- a', ['--utc', 'charges', 'list', '--', 'a']],
  ['', '--version --json', ['--json', '--version']],
  ['', '--help', ['--json']],
  ['', '--book', ['--book']],
  ['', 'charges help', ['charges', 'help']],
])('%s%s', (_, expected, argv) => expect(normalizeArguments(argv).join(' ')).toBe(expected));

test('a flag after -- is an argument', () => {
  expect(hasFlag(['a', '--json'], '--json')).toBe(true);
  expect(hasFlag(['a', '--', '--json'], '--json')).toBe(false);
});
