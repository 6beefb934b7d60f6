// What `bursar db migrate` does: the migrations and their audit row in one commit. Beside app.ts, since storage knows
// nothing of the audit log.
import type { App } from './app.ts';
import { appendAudit } from './audit/audit.ts';
import { translateStorageError } from './storage/engine-errors.ts';
import { migrateBook } from './storage/migrate.ts';

/** Names of the migrations that were run; none when another process was faster. */
export async function upgradeBook({ book, author, clock }: App): Promise<string[]> {
  const before = { schemaVersion: book.schemaVersion };
  try {
    const migrated = await migrateBook(book.db, {
      record: (trx, names) => {
        const entry = {
          subject: 'book',
          action: 'book.migrate',
          before,
          after: { migrations: names },
          result: 'migrated',
        };
        return names.length === 0 ? Promise.resolve() : appendAudit(trx, author, clock.nowMs(), [entry]);
      },
    });
    book.hasWritten = true;
    return migrated;
  } catch (error) {
    throw translateStorageError(error, book.where);
  }
}
