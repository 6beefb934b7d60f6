// Which file systems a book may stand on: SQLite's locks do not hold across machines.
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { networkFileSystem, refuseNetworkFileSystem } from '../../../src/storage/file-system.ts';

const FUSE = 0x65735546;
const MOUNTS = [
  '22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw',
  '40 22 0:30 / /mnt/far rw,nosuid shared:2 - fuse.sshfs ops@far:/books rw',
  '41 22 8:17 / /mnt/stick rw - fuseblk /dev/sdb1 rw',
  '42 22 0:31 / /mnt/with\\040space rw - fuse.rclone bucket: rw',
  '43 40 0:32 / /mnt/far/near rw - fuse.fuse-overlayfs overlay rw',
].join('\n');

test.each([
  ['NFS', 0x6969, 'NFS'],
  ['CIFS', 0xff534d42, 'CIFS'],
  ['CIFS as a signed number', 0xff534d42 | 0, 'CIFS'],
  ['SMB 2', 0xfe534d42, 'SMB'],
  ['ext4', 0xef53, null],
  ['tmpfs', 0x01021994, null],
  ['overlay', 0x794c7630, null],
  ['btrfs', 0x9123683e, null],
])('%s', (_, type, expected) => {
  expect(networkFileSystem(type, '/books/book.db', '')).toBe(expected);
});

test.each([
  ['/mnt/far/book.db', 'fuse.sshfs'],
  ['/mnt/far/near/book.db', null],
  ['/mnt/farther/book.db', 'ext4'],
  ['/mnt/stick/book.db', null],
  ['/mnt/with space/book.db', 'fuse.rclone'],
])('FUSE at %s', (path, expected) => {
  expect(networkFileSystem(FUSE, path, MOUNTS)).toBe(expected);
});

test('FUSE that nothing tells more of is not trusted', () => {
  expect(networkFileSystem(FUSE, '/mnt/far/book.db', '')).toBe('FUSE');
});

test('the folder of this test is on a disk of its own', async () => {
  await refuseNetworkFileSystem(tmpdir());
});
