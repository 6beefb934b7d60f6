// Where a book may not stand: SQLite's locks do not hold across machines, so a file on a network file system could be
// written by two machines at once (https://www.sqlite.org/useovernet.html).
import { readFile, statfs } from 'node:fs/promises';
import { BursarError } from '../errors.ts';

/** Magic numbers of statfs(2), linux/magic.h and the file systems' own sources. */
const NETWORK_TYPES = new Map<number, string>([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x564c, 'NCP'],
  [0x5346414f, 'AFS'],
  [0x6b414653, 'AFS'],
  [0x73757245, 'Coda'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x01161970, 'GFS2'],
]);
const FUSE_TYPE = 0x65735546;
/** Programs behind FUSE whose files are on this machine; any other may be anywhere. */
const LOCAL_FUSE = ['fuseblk', 'fuse.fuse-overlayfs', 'fuse.bindfs', 'fuse.gocryptfs', 'fuse.encfs', 'fuse.ntfs-3g'];

/** Refuses (`book_unreachable`) a book, or a folder for one, on a network file system. `path` exists. */
export async function refuseNetworkFileSystem(path: string): Promise<void> {
  if (process.platform !== 'linux') return;
  const { type } = await statfs(path);
  const mounts = type === FUSE_TYPE ? await readFile('/proc/self/mountinfo', 'utf8').catch(() => '') : '';
  const network = networkFileSystem(type, path, mounts);
  if (network === null) return;
  throw new BursarError(
    'book_unreachable',
    `${path} is on a network file system (${network}), where a book can't be locked safely. Nothing was done.`,
    { hint: 'Put the book on a disk of this machine.' },
  );
}

/** The network file system that `path` is on, or null. `type` is statfs's, `mounts` the text of proc(5) mountinfo. */
export function networkFileSystem(type: number, path: string, mounts: string): string | null {
  if (type !== FUSE_TYPE) return NETWORK_TYPES.get(type >>> 0) ?? null;
  const program = mountedAs(path, mounts);
  return program !== null && LOCAL_FUSE.includes(program) ? null : (program ?? 'FUSE');
}

/** The file system type of the mount that holds `path`: of those around it the longest, of equals the last. */
function mountedAs(path: string, mounts: string): string | null {
  let longest = -1;
  let type: string | null = null;
  for (const line of mounts.split('\n')) {
    const [before = '', after = ''] = line.split(' - ');
    const mountPoint = before
      .split(' ')[4]
      ?.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
    if (mountPoint === undefined) continue;
    const isAround = mountPoint === '/' || path === mountPoint || path.startsWith(`${mountPoint}/`);
    if (!isAround || mountPoint.length < longest) continue;
    longest = mountPoint.length;
    type = after.split(' ')[0] ?? null;
  }
  return type;
}
