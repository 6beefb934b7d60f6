// Brings a book to the newest schema with knex's migrator, all steps in one transaction: a kill half-way leaves the book
// as it was, and knex's own lock row is rolled back with it.
import type { Knex } from 'knex';
import { type Migration, migrations } from '../../migrations/index.ts';
import { schemaVersion } from '../../migrations/versions.ts';
import { assert } from '../errors.ts';

export interface NewBook {
  bookId: string;
  mode: 'test' | 'live';
  createdAtMs: number;
}

const source: Knex.MigrationSource<Migration> = {
  getMigrations: async () => [...migrations],
  getMigrationName: (migration) => migration.name,
  getMigration: async (migration) => ({ up: (db: Knex) => migration.up(db), down: async () => undefined }),
};

export interface MigrateOptions {
  /** Given for a book that is being made. */
  create?: NewBook;
  /** Writes what belongs into the same commit: the audit row. `names` are the steps that were run. */
  record?: ((trx: Knex, names: readonly string[]) => Promise<void>) | undefined;
}

/** Names of the steps that were run. */
export async function migrateBook(db: Knex, { create, record }: MigrateOptions = {}): Promise<string[]> {
  assert(migrations.length === schemaVersion, 'migrations/versions.ts does not count the migrations');
  return db.transaction(async (trx) => {
    const [, names] = (await trx.migrate.latest({ migrationSource: source, disableTransactions: true })) as [
      number,
      string[],
    ];
    if (create !== undefined) {
      await trx.raw('INSERT INTO book (only_row, book_id, mode, schema_version, created_at) VALUES (1, ?, ?, ?, ?)', [
        create.bookId,
        create.mode,
        schemaVersion,
        create.createdAtMs,
      ]);
    }
    await trx.raw('UPDATE book SET schema_version = ?', [schemaVersion]);
    await record?.(trx, names);
    return names;
  });
}

/** Names of the steps that this program knows and the book has not had. */
export function pendingMigrations(bookSchemaVersion: number): string[] {
  return migrations.slice(bookSchemaVersion).map(({ name }) => name);
}
