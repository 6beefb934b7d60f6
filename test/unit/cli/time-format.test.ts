// Times for a person.
import { expect, test } from 'vitest';
import { formatTime, isoTime } from '../../../src/cli/time-format.ts';

test('utc is marked, local is not', () => {
  const timeMs = Date.UTC(2026, 2, 1, 14, 5, 9, 123);
  expect(formatTime(timeMs, { utc: true })).toBe('2026-03-01 14:05:09Z');
  expect(formatTime('2026-03-01T14:05:09.123Z', { utc: true })).toBe('2026-03-01 14:05:09Z');
  const local = formatTime(timeMs, { utc: false }) ?? '';
  expect(new Date(local.replace(' ', 'T')).getTime()).toBe(timeMs - 123);
  expect(formatTime(null, { utc: true })).toBeNull();
  expect(isoTime(timeMs)).toBe('2026-03-01T14:05:09.123Z');
});
