// A million rows with one bad one among them: the good ones go in, in bounded memory, and the second time nothing changes.
// Only in `npm run test:soak`: it takes minutes.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BIN, cliEnvironment, runProcess } from '../support/cli.ts';
import { type ImportBook, importBook, writeSchedules } from '../support/import-files.ts';

const MOST_MEGABYTES = 300;

let folder: string;
let book: ImportBook;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bursar-import-soak-'));
  book = await importBook(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Imports the file and tells what came of it, the seconds it took and the most memory it had. */
async function importing(
  name: string,
): Promise<{ document: Record<string, unknown>; seconds: number; megabytes: number }> {
  // The process tells its own peak at its end, which no one can read from outside once it is gone.
  const peak = 'data:text/javascript,process.on("exit",()=>console.error("peak",process.resourceUsage().maxRSS))';
  const args = ['--import', peak, BIN, 'schedules', 'import', name, '--json', '--force'];
  const startedNs = process.hrtime.bigint();
  const { stdout, stderr } = await runProcess(process.execPath, args, { cwd: folder, env: cliEnvironment(folder) });
  const seconds = Number(process.hrtime.bigint() - startedNs) / 1e9;
  const megabytes = Number(/peak (\d+)/.exec(stderr)?.[1]) / 1024;
  const document = JSON.parse(stdout) as Record<string, unknown>;
  console.info(`${name}: ${JSON.stringify(document)}, ${seconds.toFixed(0)} s, ${megabytes.toFixed(0)} MB`);
  return { document, seconds, megabytes };
}

it('imports a million rows with a bad one among them, in bounded memory', async () => {
  const rows = 1_000_000;
  await writeSchedules(join(folder, 'subs.csv'), rows, [700_000]);
  const first = await importing('subs.csv');
  expect(first.document).toMatchObject({ rows, imported: rows - 1, rejected: 1, customersCreated: rows / 2 });
  expect(first.megabytes).toBeLessThan(MOST_MEGABYTES);
  const rejects = await readFile(join(folder, 'subs.csv.rejects.csv'), 'utf8');
  expect(rejects.split('\r\n')[1]).toMatch(/^700002,invalid_amount,/);
  expect(await book.count('schedules')).toBe(rows - 1);

  const again = await importing('subs.csv');
  expect(again.document).toMatchObject({ imported: 0, alreadyThere: rows - 1, rejected: 1 });
  expect(again.megabytes).toBeLessThan(MOST_MEGABYTES);
  expect(again.seconds).toBeLessThan(first.seconds);
  expect(await book.count('schedules')).toBe(rows - 1);
  expect(await book.count('audit_rows')).toBe(1 + rows / 2 + rows / 2 + rows - 1);
});
