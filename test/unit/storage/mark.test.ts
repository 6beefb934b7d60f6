// The mark of what was sent: the highest number, whoever writes, whatever is lost in between.
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Mark } from '../../../src/storage/mark.ts';
import { temporaryFolder } from '../../support/cli.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => folder.remove());

const mark = (): Mark => new Mark(join(folder.path, 'state'), 'bk_one');

test('only its owner may look into the folder or at the files', async () => {
  const one = mark();
  await one.prepare();
  await one.keep(1);
  expect((await stat(one.folder)).mode & 0o777).toBe(0o700);
  const [name = ''] = await readdir(one.folder);
  expect((await stat(join(one.folder, name))).mode & 0o777).toBe(0o600);
});

test('the highest number stands, and only one file', async () => {
  const one = mark();
  await one.prepare();
  expect(await one.highest()).toBe(0);
  for (const number of [9, 10, 11]) expect(await one.keep(number)).toBe('kept');
  expect(await mark().highest()).toBe(11);
  expect(await readdir(one.folder)).toHaveLength(1);
});

test('a lower number that comes late does not lower it', async () => {
  const one = mark();
  await one.prepare();
  await one.keep(10);
  await one.keep(9);
  expect(await one.highest()).toBe(10);
});

test('processes that race leave the highest of theirs', async () => {
  const numbers = Array.from({ length: 40 }, (_, index) => index + 1);
  await mark().prepare();
  await Promise.all(numbers.map((number) => mark().keep(number)));
  expect(await mark().highest()).toBe(40);
});

test('of two that keep the same number, one is told', async () => {
  await mark().prepare();
  const both = await Promise.all([mark().keep(5), mark().keep(5)]);
  expect(both.sort()).toEqual(['kept', 'taken']);
});

test('what is no mark is passed over, and books have marks of their own', async () => {
  const one = mark();
  await one.prepare();
  await one.keep(3);
  await writeFile(join(one.folder, 'notes.txt'), 'x');
  await writeFile(join(one.folder, '99'), '');
  expect(await one.highest()).toBe(3);
  expect(await new Mark(join(folder.path, 'state'), 'bk_other').highest()).toBe(0);
});

test('a folder that was removed under the process is made again', async () => {
  const one = mark();
  await one.prepare();
  await one.keep(3);
  await rm(join(folder.path, 'state'), { recursive: true });
  expect(await one.keep(4)).toBe('kept');
  expect(await one.highest()).toBe(4);
});

test('a state directory that is a file is an error that says what to set', async () => {
  await writeFile(join(folder.path, 'state'), '');
  await expect(mark().prepare()).rejects.toMatchObject({ code: 'state_unwritable', exitCode: 7 });
  await expect(mark().prepare()).rejects.toThrow(/nothing is sent/);
});
