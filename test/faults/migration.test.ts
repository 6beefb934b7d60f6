// A book of a newer bursar is refused by every kind of command before any write; a migration that is killed at any of its
// writes leaves the old schema, and the next one goes through.
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { schemaVersion } from '../../migrations/versions.ts';
import { openSqlite } from '../../src/storage/dialect.ts';
import { runCli } from '../support/cli.ts';
import { oldBook } from '../support/old-book.ts';
import { runFaulty } from '../support/strace.ts';

const OLD = 4;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bursar-migration-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const bursar = (cwd: string, ...args: string[]) => runCli([...args, '--book', './book.db', '--json'], { cwd });
const hashOf = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');

describe('a book of a newer bursar', () => {
  const EVERY_KIND = [
    'charges list',
    'charges create --customer cus_1 --amount 1 --currency USD',
    'charges refund ch_1 --amount 1 --reason x',
    'customers create --name Bob',
    'schedules list',
    'billing run',
    'billing run --dry-run',
    'retries run',
    'attempts resolve att_1 --as not-executed --reason x',
    'pause --reason x',
    'ledger check',
    'ledger close --month 2026-01 --yes',
    'audit verify',
    'audit seal',
    'audit export --format csv --out audit.csv',
    'db status',
    'db migrate',
    'init --mode test',
  ];
  let before: string;
  let path: string;
  beforeAll(async () => {
    await mkdir(join(folder, 'newer'));
    path = join(folder, 'newer', 'book.db');
    await oldBook(path, schemaVersion);
    const db = openSqlite(path, 'write');
    await db.raw('UPDATE book SET schema_version = ?', [schemaVersion + 1]);
    await db.destroy();
    before = await hashOf(path);
  });

  test('doctor tells of it, and writes nothing', async () => {
    const { code, stdout } = await bursar(join(folder, 'newer'), 'doctor');
    expect([code, JSON.parse(stdout)]).toMatchObject([7, { ok: false, findings: [{ code: 'book_newer' }] }]);
    expect(await hashOf(path)).toBe(before);
  });

  test.each(EVERY_KIND)('%s is refused before any write', async (command) => {
    const { code, stdout } = await bursar(join(folder, 'newer'), ...command.split(' '));
    expect([code, JSON.parse(stdout)]).toMatchObject([
      7,
      { error: { code: 'book_newer', message: expect.stringMatching(/Nothing was written\.$/) } },
    ]);
    expect(await hashOf(path)).toBe(before);
    expect((await readdir(join(folder, 'newer'))).filter((name) => name !== 'book.db' && name !== '.config')).toEqual(
      [],
    );
  });
});

describe.concurrent('a migration', () => {
  const schemaOf = async (path: string): Promise<unknown> => {
    const db = openSqlite(path, 'read');
    try {
      return [
        await db.raw('SELECT schema_version FROM book'),
        await db.raw('SELECT type, name, sql FROM sqlite_master ORDER BY type, name'),
      ];
    } finally {
      await db.destroy();
    }
  };

  test.each([
    ['pwrite64', 1],
    ['pwrite64', 10],
    ['pwrite64', 40],
    ['fsync', 1],
    ['fsync', 2],
  ])('killed at %s %i of the log leaves the old schema, or all of the new one', async (call, nth) => {
    const at = join(folder, `killed-${call}-${nth}`);
    await cp(folderOf(await oldOne()), at, { recursive: true });
    const path = join(at, 'book.db');
    const old = await schemaOf(path);
    const fault = { files: [`${path}-wal`], call, inject: `signal=KILL:when=${nth}` };
    const killed = await runFaulty(['db', 'migrate', '--book', './book.db', '--json'], fault, at);
    expect(killed.hits).toBeGreaterThan(0);
    const left = await schemaOf(path);
    const isNew = JSON.stringify(left).includes(`{"schema_version":${schemaVersion}}`);
    if (!isNew) expect(left).toEqual(old);
    const resumed = await bursar(at, 'db', 'migrate');
    expect([resumed.code, JSON.parse(resumed.stdout)]).toMatchObject([0, { schemaVersion, pending: [] }]);
    expect((await bursar(at, 'customers', 'list')).code).toBe(0);
  });

  test('whose disk fails is taken back, and goes through once it works', async () => {
    const at = join(folder, 'failing');
    await cp(folderOf(await oldOne()), at, { recursive: true });
    const path = join(at, 'book.db');
    const old = await schemaOf(path);
    const fault = { files: [`${path}-wal`], call: 'pwrite64', inject: 'error=ENOSPC:when=5+' };
    const failed = await runFaulty(['db', 'migrate', '--book', './book.db', '--json'], fault, at);
    expect([failed.code, JSON.parse(failed.stdout)]).toMatchObject([7, { error: { code: 'book_full' } }]);
    expect(await schemaOf(path)).toEqual(old);
    expect((await bursar(at, 'db', 'migrate')).code).toBe(0);
  });

  let made: Promise<string> | undefined;
  function oldOne(): Promise<string> {
    made ??= (async () => {
      const path = join(await mkdtemp(join(folder, 'old-')), 'book.db');
      await oldBook(path, OLD);
      return path;
    })();
    return made;
  }
  const folderOf = (path: string): string => path.slice(0, -'/book.db'.length);
});
