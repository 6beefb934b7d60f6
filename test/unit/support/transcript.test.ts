// The transcript format reads back what it writes, and its placeholders keep their numbers.
import { expect, test } from 'vitest';
import { formatTranscript, Placeholders, parseTranscript } from '../../support/transcript.ts';

const TEXT = `# About.

$ bursar init
> --mode test
made

two
! warned
? 3

# Then.
$ bursar charges list
\\$ not a command
`;

test('a transcript reads back as it was written', () => {
  const { steps, after } = parseTranscript(TEXT);
  expect(steps.map(({ command, expected }) => [command, expected])).toEqual([
    [
      ['bursar init', '--mode test'],
      ['made', '', 'two', '! warned', '? 3'],
    ],
    [['bursar charges list'], ['\\$ not a command']],
  ]);
  expect(formatTranscript(steps, after)).toBe(TEXT);
});

test('ids, hashes, times and the folder become placeholders that a later command may use', () => {
  const placeholders = new Placeholders('/tmp/x');
  const [first, second] = ['ch_01hqzw3k9v8x7y6w5v4t3s2r1q', 'ch_01hqzw3k9v8x7y6w5v4t3s2r1r'];
  const text = `${second} ${first} ${second} at 2026-03-01T14:05:09.000Z ${'0a'.repeat(32)} /tmp/x/a.db pm_01hqzw3k9v8x7y6w5v4t3s2r1r`;
  expect(placeholders.hide(text)).toBe('ch_…1 ch_…2 ch_…1 at <time> <hash…1> <folder>/a.db pm_…1');
  expect(placeholders.hide(first)).toBe('ch_…2');
  expect(placeholders.fill('bursar charges show {ch2} {nope1}')).toBe(`bursar charges show ${first} {nope1}`);
});
