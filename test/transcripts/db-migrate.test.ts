// A book of an older bursar: refused by everything else, told by `db status`, brought up by `db migrate`.
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrations } from '../../migrations/index.ts';
import { schemaVersion } from '../../migrations/versions.ts';
import { openBook } from '../../src/storage/open.ts';
import { runCli, temporaryFolder } from '../support/cli.ts';
import { oldBook } from '../support/old-book.ts';

const OLD = 4;
const pending = migrations.slice(OLD).map(({ name }) => name);
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

const bursar = (...args: string[]) =>
  runCli([...args, '--book', './book.db'], { cwd: folder.path, env: { BURSAR_ACTOR: 'ops' } });

test('a test book is migrated, audited and sealed', async () => {
  const path = join(folder.path, 'book.db');
  await oldBook(path, OLD);
  const refused = await bursar('customers', 'list');
  expect(refused).toMatchObject({ code: 7, stdout: '' });
  expect(refused.stderr).toContain(`bursar db migrate --book ${path}`);
  const status = { schemaVersion: OLD, programVersion: schemaVersion, pending, mode: 'test', driver: 'sqlite' };
  expect(JSON.parse((await bursar('db', 'status', '--json')).stdout)).toEqual({
    schema: 'bursar.db_status/1',
    ...status,
  });

  const { stdout, stderr, code } = await bursar('db', 'migrate');
  expect([stdout, stderr, code]).toEqual([
    `Migrated from schema ${OLD} to ${schemaVersion}: ${pending.join(', ')}.\n`,
    '',
    0,
  ]);

  expect(JSON.parse((await bursar('db', 'status', '--json')).stdout)).toMatchObject({ schemaVersion, pending: [] });
  const book = await openBook(path);
  const [row] = await book.reader('audit_rows').where({ action: 'book.migrate' });
  expect(row).toMatchObject({ actor: 'ops', command: 'db migrate', result: 'migrated' });
  expect(await book.reader('seal_members').where({ audit_sequence: row.sequence })).toHaveLength(1);
  await book.close();
  expect((await bursar('customers', 'list', '--json')).code).toBe(0);
});

test('a live book is migrated only when that is confirmed', async () => {
  await oldBook(join(folder.path, 'book.db'), OLD, 'live');
  const refused = await bursar('db', 'migrate', '--json');
  expect([JSON.parse(refused.stdout).error.code, refused.code]).toEqual(['confirmation_impossible', 2]);
  expect(JSON.parse((await bursar('db', 'status', '--json')).stdout)).toMatchObject({ schemaVersion: OLD });
  const { stdout, code } = await bursar('db', 'migrate', '--yes', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    schema: 'bursar.db_migrate/1',
    schemaVersion,
    pending: [],
    migrated: pending,
  });
});
