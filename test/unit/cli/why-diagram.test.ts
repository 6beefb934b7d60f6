// Text in a Mermaid diagram: whatever it holds, it stays one statement.
import { expect, test } from 'vitest';
import { mermaidText } from '../../../src/cli/views/why-diagram.ts';

test.each([
  ['plain words, 12.50 USD (sale)', 'plain words, 12.50 USD (sale)'],
  ['a; b', 'a#59; b'],
  ['50 % #1', '50 #37; #35;1'],
  ['x: y\n  participant z', 'x#58; y   participant z'],
  ['<b>', '#60;b#62;'],
  ['the end of an ending', 'the #101;nd of an ending'],
  ['END', '#69;ND'],
  ['\u001b[31mred\u202e', 'red'],
  ['ä 🙂', '#228; #128578;'],
  ['', ''],
])('%j', (text, expected) => expect(mermaidText(text)).toBe(expected));

test('no letter but those that mean nothing to Mermaid goes out as it is', () => {
  for (let code = 0; code < 0x3000; code += 1) {
    expect(mermaidText(`a${String.fromCodePoint(code)}b`)).toMatch(
      /^[A-Za-z0-9 .,_()+-]*(#\d+;)?[A-Za-z0-9 .,_()+-]*$/,
    );
  }
});

test('long text is broken into lines, and cut', () => {
  const lines = mermaidText('word '.repeat(200)).split('<br/>');
  expect(lines.length).toBeGreaterThan(4);
  for (const line of lines) expect(line.replaceAll('#8230;', '…').length).toBeLessThanOrEqual(60);
  expect(lines.at(-1)).toMatch(/#8230;$/);
  expect(
    mermaidText('x'.repeat(130))
      .split('<br/>')
      .map(({ length }) => length),
  ).toEqual([60, 60, 10]);
});
