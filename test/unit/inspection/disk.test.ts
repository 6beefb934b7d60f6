// What the doctor says of room on the disk and of the book's log.
import { expect, test } from 'vitest';
import { bytesText, type DiskFigures, diskFindings } from '../../../src/inspection/findings/disk.ts';

const figures = (changes: Partial<DiskFigures>): DiskFigures => ({
  book: '/var/books/my book.db',
  bookBytes: 1e9,
  walBytes: 1e6,
  folders: [{ path: '/var/books', freeBytes: 5e9 }],
  ...changes,
});

test.each([
  ['room enough', {}, []],
  ['little room', { folders: [{ path: '/var/books', freeBytes: 4e8 }] }, [['disk_low', 'warning']]],
  ['no room', { folders: [{ path: '/var/books', freeBytes: 1e7 }] }, [['disk_low', 'error']]],
  ['a log that grows', { walBytes: 1e9 }, [['wal_large', 'warning']]],
] as [string, Partial<DiskFigures>, [string, string][]][])('%s', (_, changes, expected) => {
  expect(diskFindings(figures(changes)).map(({ code, severity }) => [code, severity])).toEqual(expected);
});

test('two folders of one disk are told once, of two disks twice', () => {
  const of = (...free: number[]) =>
    diskFindings(figures({ folders: free.map((freeBytes, index) => ({ path: `/${index}`, freeBytes })) }));
  expect(of(1e8, 1e8)).toHaveLength(1);
  expect(of(1e8, 2e8)).toHaveLength(2);
});

test('a path with a blank is quoted in the command', () => {
  expect(diskFindings(figures({ walBytes: 1e9 }))[0]?.command).toBe(
    `ls -l '/var/books/my book.db' '/var/books/my book.db-wal'`,
  );
});

test('sizes', () => {
  expect([0, 999, 1000, 1_250_000, 84_400_000_000].map(bytesText)).toEqual([
    '0 bytes',
    '999 bytes',
    '1.0 KB',
    '1.3 MB',
    '84.4 GB',
  ]);
});
