// Text from outside can't move the cursor, recolour the screen or reorder what is read.
import { expect, test } from 'vitest';
import { oneLine, printable, toJson, withThousands } from '../../../src/cli/text.ts';

test('terminal escapes and control characters are taken out, line breaks stay', () => {
  expect(printable('a\u001b[31mred\u001b[0m\nb\u0007\u009b2Jc\r')).toBe('ared\nbc');
  expect(printable('\u001b]8;;http://evil\u0007link\u001b]8;;\u0007')).toBe('link');
});

test('marks that reorder text are taken out', () => {
  expect(printable('user\u202e\u2066txt.exe')).toBe('usertxt.exe');
});

test('one line has no breaks', () => {
  expect(oneLine(' a\r\n\tb\u2028c ')).toBe('a b c');
});

test('JSON carries bigints as strings and no raw escapes', () => {
  const text = toJson({ big: 12345678901234567890n, name: 'a\u009b2J\u202e\u001b[0m' }, 0);
  for (const letter of ['\u001b', '\u009b', '\u202e']) expect(text).not.toContain(letter);
  expect(JSON.parse(text)).toEqual({ big: '12345678901234567890', name: 'a\u009b2J\u202e\u001b[0m' });
});

test.each([
  [0, '0'],
  [999, '999'],
  [1234567, '1,234,567'],
  [1000n, '1,000'],
])('%s with thousands is %s', (count, text) => expect(withThousands(count)).toBe(text));
