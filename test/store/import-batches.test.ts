// Batches of an import overlap: one is prepared while the one before is written. Whatever the book has by then, each row,
// customer and method is made once.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ahead } from '../../src/imports/ahead.ts';
import { headingOf } from '../../src/imports/columns.ts';
import type { ImportContext } from '../../src/imports/context.ts';
import { Batch } from '../../src/imports/import-batch.ts';
import { type ImportResult, importFile } from '../../src/imports/import-file.ts';
import { SCHEDULE_IMPORT } from '../../src/imports/schedule-rows.ts';
import { type ChargesBook, chargesBook } from '../support/charges-book.ts';
import { temporaryFolder } from '../support/cli.ts';
import { type Cells, csvOf, SCHEDULE_HEADING, scheduleRow } from '../support/import-files.ts';

let charges: ChargesBook;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let context: ImportContext;

beforeEach(async () => {
  charges = await chargesBook();
  folder = await temporaryFolder();
  context = {
    charges: charges.pipeline.context,
    assertToken: async () => undefined,
    assertGateway: () => undefined,
    defaultGateway: () => 'simulated',
    oldestDueMs: 0,
  };
});
afterEach(async () => {
  await charges.close();
  await folder.remove();
});

const count = async (table: string): Promise<number> => {
  const [row] = await charges.book.reader(table).count({ n: '*' });
  return Number(row?.n);
};

async function importing(rows: readonly Cells[]): Promise<ImportResult> {
  const path = join(folder.path, 'subs.csv');
  await writeFile(path, csvOf(SCHEDULE_HEADING, rows));
  return importFile(context, SCHEDULE_IMPORT, {
    path,
    delimiter: ',',
    dryRun: false,
    rejects: null,
    force: false,
    forbidden: [],
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
}

describe('rows of one file', () => {
  it('share customers and methods over the ends of batches', async () => {
    const rows = Array.from({ length: 3_500 }, (_, index) => {
      const name = `Customer ${index % 7}`;
      return scheduleRow(index, { customer_reference: `c-${index % 7}`, name, email: '', token: `tok_${index % 14}` });
    });
    const before = { customers: await count('customers'), methods: await count('payment_methods') };
    expect(await importing(rows)).toMatchObject({ imported: 3_500, customers: 7, methods: 14, rejected: 0 });
    expect(await count('schedules')).toBe(3_500);
    expect(await count('customers')).toBe(before.customers + 7);
    expect(await count('payment_methods')).toBe(before.methods + 14);
    expect(await charges.book.reader('audit_rows').where({ action: 'schedule.create' })).toHaveLength(3_500);
  });

  it('are passed over or refused when the batch before has their reference', async () => {
    const rows = Array.from({ length: 1_000 }, (_, index) => scheduleRow(index));
    const again = rows.map((row, index) => (index < 600 ? row : { ...row, amount: '999.00' }));
    const result = await importing([...rows, ...again]);
    expect(result).toMatchObject({ imported: 1_000, alreadyThere: 600, rejected: 400 });
    expect([...result.rejectedBy]).toEqual([['idempotency_conflict', 400]]);
  });
});

describe('a book that changes after a batch was prepared', () => {
  const names = [...SCHEDULE_HEADING];
  const heading = headingOf(names, 0, false);
  const prepared = async (rows: readonly Cells[], ahead: Ahead | null = null) => {
    const batch = new Batch(context, SCHEDULE_IMPORT, null);
    const records = rows.map((row, index) => ({
      line: index + 2,
      cells: names.map((name) => row[name] ?? ''),
      isBroken: false,
    }));
    await batch.prepare(records, heading, ahead);
    return batch;
  };
  const same = { customer_reference: 'c-1', name: 'Ada', email: '' };

  it('has the rows once, under the customer who was there first', async () => {
    const late = await prepared([scheduleRow(1, same), scheduleRow(2, same)]);
    const early = await prepared([scheduleRow(1, same), scheduleRow(3, same)]);
    await early.write(null);
    await late.write(null);
    expect(early.isAsPlanned).toBe(true);
    expect(late.isAsPlanned).toBe(false);
    expect(late.result).toMatchObject({ imported: 1, alreadyThere: 1, customers: 0, methods: 0, rejects: [] });
    expect(await count('schedules')).toBe(3);
    expect(await charges.book.reader('customers').where({ reference: 'c-1' })).toHaveLength(1);
  });

  it('refuses what another one has used the reference for', async () => {
    const late = await prepared([scheduleRow(1, same), scheduleRow(2, { ...same, name: 'Ada' })]);
    const early = await prepared([scheduleRow(1, { ...same, name: 'Grace', amount: '7.00' })]);
    await early.write(null);
    await late.write(null);
    expect(late.result.imported).toBe(0);
    expect(late.result.rejects.map(({ error }) => error.code)).toEqual(['idempotency_conflict', 'conflict']);
  });

  it('is looked at once more only when somebody else was there', async () => {
    const first = await prepared([scheduleRow(1, same)]);
    const second = await prepared([scheduleRow(2, same)], first.ahead());
    await second.write(await first.write(null));
    expect(second.isAsPlanned).toBe(true);
    expect(await count('schedules')).toBe(2);
    expect(await charges.book.reader('customers').where({ reference: 'c-1' })).toHaveLength(1);
  });
});
