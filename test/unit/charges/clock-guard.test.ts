// When our clock can't be right, and what a Date header proves about it.
import { expect, test } from 'vitest';
import { clockReason, spanText } from '../../../src/charges/clock-guard.ts';
import { clockOffset } from '../../../src/gateways/clock-offset.ts';

const NOW = Date.UTC(2027, 0, 31, 12);
const MIN = 60_000;
const row = (latestTime: number, faults: [string, number][] = []) => ({
  openSequence: 1,
  latestTime,
  quarantine: null,
  clockFaults: new Map(faults),
});

test.each([
  ['five minutes back is borne', NOW + 5 * MIN, true],
  ['more is not', NOW + 5 * MIN + 1, false],
  ['a book that never sent says nothing', 0, true],
  ['the past says nothing', NOW - 1000 * MIN, true],
])('%s', (_, latestTime, isFine) => {
  expect(clockReason(row(latestTime), NOW, null) === null).toBe(isFine);
});

test('a gateway whose clock disagrees holds back only what would go there', () => {
  const faulty = row(NOW, [['acme', 10 * MIN]]);
  expect(clockReason(faulty, NOW, 'acme')).toBe('acme said that it is 10 min behind');
  expect(clockReason(row(NOW, [['acme', -10 * MIN]]), NOW, 'acme')).toBe('acme said that it is 10 min ahead');
  expect(clockReason(faulty, NOW, 'other')).toBeNull();
  expect(clockReason(faulty, NOW, null)).toBeNull();
});

test.each([
  [7 * MIN, '7 min'],
  [-26 * 60 * MIN, '26 h'],
  [3 * 365 * 24 * 60 * MIN, '1095 days'],
])('%i ms reads as %s', (ms, text) => {
  expect(spanText(ms)).toBe(text);
});

const date = (timeMs: number): string => new Date(timeMs).toUTCString();

test.each([
  ['the same second', date(NOW), NOW + 100, NOW + 900, -100],
  ['ahead of the answer', date(NOW + 10 * MIN), NOW, NOW + 1000, 10 * MIN - 1000],
  ['before the question', date(NOW - 10 * MIN), NOW, NOW + 1000, -10 * MIN],
  ['in between, though the process slept for an hour', date(NOW + MIN), NOW, NOW + 60 * MIN, 0],
])('a date %s', (_, header, asked, answered, offset) => {
  expect(clockOffset(header, asked, answered)).toBe(offset);
});

test.each([undefined, '', 'yesterday'])('no date (%s) says nothing', (header) => {
  expect(clockOffset(header, NOW, NOW)).toBeNull();
});
