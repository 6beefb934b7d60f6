// A book whose audit log was written row by row by a test, sealed where it says.
import { join } from 'node:path';
import { insertAuditRows } from '../../src/audit/audit-store.ts';
import { type ExportContext, type ExportOptions, type ExportResult, exportAudit } from '../../src/audit/export.ts';
import type { HashedFields } from '../../src/audit/row-hash.ts';
import { sealPending } from '../../src/audit/seal.ts';
import { type Verification, verifyAudit } from '../../src/audit/verify.ts';
import { newId } from '../../src/ids.ts';
import { type Book, createBook, openBook } from '../../src/storage/open.ts';
import { readTrx, writeTrx } from '../../src/storage/trx.ts';
import { type ManualClock, manualClock } from '../gateways/manual-clock.ts';
import { temporaryFolder } from './cli.ts';

export interface AuditBook {
  book: Book;
  clock: ManualClock;
  /** A path in the book's folder. */
  path(name: string): string;
  /** Appends rows, each a second after the one before, and seals them. */
  append(rows: readonly Partial<HashedFields>[], options?: { seal: boolean }): Promise<void>;
  verify(head?: string | null): Promise<Verification>;
  export(options?: Partial<ExportOptions>): Promise<ExportResult>;
  close(): Promise<void>;
}

export async function auditBook(): Promise<AuditBook> {
  const folder = await temporaryFolder();
  const clock = manualClock();
  const where = join(folder.path, 'book.db');
  await createBook(where, 'test', clock.nowMs());
  const book = await openBook(where);
  const path = (name: string): string => join(folder.path, name);
  const context: ExportContext = {
    book,
    clock,
    author: { actor: 'tester', host: 'here', command: 'audit export' },
    forbidden: [where],
  };
  return {
    book,
    clock,
    path,
    append: async (rows, { seal } = { seal: true }) => {
      const filled = rows.map((row) => {
        clock.advance(1000);
        return auditRow({ id: newId('audit', clock.nowMs()), at: clock.nowMs(), ...row });
      });
      await writeTrx(book, (trx) => insertAuditRows(trx, filled));
      if (seal) await sealPending(book, clock);
    },
    verify: (head = null) => readTrx(book, (trx) => verifyAudit(trx, head)),
    export: (options = {}) => {
      const out = options.out === undefined ? path('audit.csv') : options.out;
      const manifest = out === null ? null : `${out}.manifest.json`;
      const stdout = async (): Promise<void> => undefined;
      const { signal } = new AbortController();
      const rest = { out, manifest, stdout, format: 'csv' as const, filter: {}, force: false, signal };
      return exportAudit(context, { ...rest, ...options });
    },
    close: async () => {
      await book.close();
      await folder.remove();
    },
  };
}

function auditRow(row: Partial<HashedFields> & { id: string; at: number }): HashedFields {
  return {
    actor: 'ops',
    host: 'here',
    command: 'charges create',
    subject: 'ch_1',
    action: 'sale.settle',
    before: '{"status":"processing"}',
    after: '{"status":"captured"}',
    result: 'approved',
    reason: null,
    customer_id: 'cus_1',
    charge_id: 'ch_1',
    gateway: 'simulated',
    status: 'captured',
    currency: 'USD',
    amount_minor: 1250,
    ...row,
  };
}
