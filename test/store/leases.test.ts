// Leases between real processes: a living owner is respected, a dead one is seen at once, and one that can't be seen is
// taken over when its time is up.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { goneOwners, LEASE_MS, Owner } from '../../src/storage/lease.ts';
import { type Book, createBook, openBook } from '../../src/storage/open.ts';
import { manualClock } from '../gateways/manual-clock.ts';
import { temporaryFolder } from '../support/cli.ts';

const holder = fileURLToPath(new URL('../support/hold-lease.ts', import.meta.url));
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let path: string;
let book: Book;

beforeEach(async () => {
  folder = await temporaryFolder();
  path = join(folder.path, 'book.db');
  await createBook(path, 'test', Date.now());
  book = await openBook(path);
});
afterEach(async () => {
  await book.close();
  await folder.remove();
});

interface Holder {
  child: ChildProcessByStdio<Writable, Readable, null>;
  taken: boolean;
  id: string;
}

async function holdElsewhere(name: string): Promise<Holder> {
  const args = ['--import', 'tsx', holder, path, name];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout, 'data');
  return { child, ...JSON.parse(String(line)) };
}

async function kill({ child }: Holder): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'close');
}

const leaseOf = async (name: string) => {
  const [row] = await book.reader('leases').where({ name });
  return row as { owner_id: string | null; epoch: number } | undefined;
};

test('a living owner is respected; a killed one is seen at once, and the epoch grows', async () => {
  const other = await holdElsewhere('planning');
  expect(other.taken).toBe(true);
  const owner = new Owner(book, systemClock, 'test');
  expect(await owner.acquire('planning')).toBe(false);
  expect(await leaseOf('planning')).toMatchObject({ owner_id: other.id, epoch: 1 });
  // A lease of another name is free.
  expect(await owner.acquire('sealing')).toBe(true);

  await kill(other);

  expect(await owner.acquire('planning')).toBe(true);
  expect(await leaseOf('planning')).toMatchObject({ owner_id: owner.id, epoch: 2 });
  await owner.release();
});

test('a lease that is given back is free at once', async () => {
  const other = await holdElsewhere('planning');
  other.child.stdin.end();
  await once(other.child, 'close');
  const owner = new Owner(book, systemClock, 'test');
  expect(await owner.acquire('planning')).toBe(true);
  await owner.yield('planning');
  const next = await holdElsewhere('planning');
  expect(next.taken).toBe(true);
  await kill(next);
  await owner.release();
});

test('of many processes that want a lease, one gets it', async () => {
  const holders = await Promise.all(Array.from({ length: 4 }, () => holdElsewhere('planning')));
  expect(holders.filter(({ taken }) => taken)).toHaveLength(1);
  await Promise.all(holders.map(kill));
});

test('a living process whose time is up is taken over', async () => {
  const other = await holdElsewhere('planning');
  const ahead = manualClock(Date.now() + LEASE_MS + 1);
  const owner = new Owner(book, ahead, 'test');
  expect(await owner.acquire('planning')).toBe(true);
  expect(await leaseOf('planning')).toMatchObject({ owner_id: owner.id, epoch: 2 });
  await kill(other);
  await owner.release();
});

test('an owner on another machine counts as living until its time is up', async () => {
  const clock = manualClock();
  const owner = new Owner(book, clock, 'test');
  await owner.hold();
  await book.db('owners').where({ id: owner.id }).update({ host: 'far/boot', pid: 1 });
  expect(await goneOwners(book.reader, [owner.id], clock.nowMs())).toEqual(new Set());
  expect(await goneOwners(book.reader, [owner.id], clock.nowMs() + LEASE_MS - 1)).toEqual(new Set());
  expect(await goneOwners(book.reader, [owner.id], clock.nowMs() + LEASE_MS)).toEqual(new Set([owner.id]));
  await owner.release();
});

test('a later process with the same pid is another one', async () => {
  const owner = new Owner(book, systemClock, 'test');
  await owner.hold();
  expect(await goneOwners(book.reader, [owner.id], Date.now())).toEqual(new Set());
  await book.db('owners').where({ id: owner.id }).update({ process_start: '1' });
  expect(await goneOwners(book.reader, [owner.id], Date.now())).toEqual(new Set([owner.id]));
  await owner.release();
});

test('one that nobody has heard of is gone', async () => {
  expect(await goneOwners(book.reader, ['own_nobody'], Date.now())).toEqual(new Set(['own_nobody']));
});

test('a lease is current until its time is up, renewed when half of it has gone, and gone when released', async () => {
  const clock = manualClock();
  const owner = new Owner(book, clock, 'test');
  const expiry = async (): Promise<number | undefined> =>
    (await book.reader('owners').where({ id: owner.id }))[0]?.expires_at;
  expect(owner.isCurrent).toBe(false);
  await owner.hold();
  const first = await expiry();
  expect([first, owner.isCurrent]).toEqual([clock.nowMs() + LEASE_MS, true]);
  clock.advance(LEASE_MS / 4);
  await owner.hold();
  expect(await expiry()).toBe(first);
  clock.advance(LEASE_MS / 4);
  await owner.hold();
  expect(await expiry()).toBe((first ?? 0) + LEASE_MS / 2);
  clock.advance(LEASE_MS);
  expect(owner.isCurrent).toBe(false);
  await owner.release();
  expect(await expiry()).toBeUndefined();
});
