// The book that benchmarks measure on is a right one: whatever checks a book finds nothing.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildBigBook } from '../../bench/big-book.ts';
import { verifyAudit } from '../../src/audit/verify.ts';
import { chargePage } from '../../src/charges/charges-store.ts';
import { isId, timeOfId } from '../../src/ids.ts';
import { checkLedger } from '../../src/inspection/ledger-check.ts';
import { openBook } from '../../src/storage/open.ts';
import { temporaryFolder } from '../support/cli.ts';
import { countOf } from '../support/rows.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

it('passes every check, and its ids tell when their rows were made', async () => {
  const path = join(folder.path, 'big.db');
  await buildBigBook(path, { charges: 2000, hashes: true });
  const book = await openBook(path);
  const { ok, checked } = await checkLedger(book.reader, { deep: true });
  const [newest] = await chargePage(book.reader, {}, 1);
  await book.close();
  expect({ ok, charges: checked.charges }).toEqual({ ok: true, charges: 2000 });
  expect(checked.auditRows).toBeGreaterThan(6000);
  expect(isId('charge', newest?.id ?? '')).toBe(true);
  expect(timeOfId(newest?.id ?? '')).toBe(newest?.createdAt);
});

it('makes audit rows alone, as many as are asked for', async () => {
  const path = join(folder.path, 'audit.db');
  await buildBigBook(path, { auditRows: 1001, hashes: true });
  const book = await openBook(path);
  const { ok, checked } = await verifyAudit(book.reader, null);
  await book.close();
  expect({ ok, rows: checked.rows }).toEqual({ ok: true, rows: 1001 });
  expect(await countOf(path, 'charges')).toBe(0);
});
