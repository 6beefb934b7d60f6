// A slip of the fingers gets the right name; anything further off gets none.
import { expect, test } from 'vitest';
import { nearest, nearestCommand } from '../../../src/cli/suggest.ts';

const COMMANDS = ['charges list', 'charges create', 'customers list', 'init', 'doctor', 'doctor clock accept'];

test.each([
  ['chrages list', 'charges list'],
  ['charges lst', 'charges list'],
  ['chrages create x y', 'charges create'],
  ['chrages', 'charges'],
  ['docter', 'doctor'],
  ['inti', 'init'],
  ['doctor clock acept', 'doctor clock accept'],
  ['customer list', 'customers list'],
  ['charges frobnicate', null],
  ['xyzzy', null],
])('%s -> %s', (typed, expected) => expect(nearestCommand(typed.split(' '), COMMANDS)).toBe(expected));

test('flags', () => {
  expect(nearest('lmit', ['limit', 'all'])).toBe('limit');
  expect(nearest('zzzzzz', ['limit', 'all'])).toBeNull();
});
