// Which book a file holds and how far it has come, in any schema that this program knows.
import type { Knex } from 'knex';
import { assert } from '../errors.ts';
import { select } from './batch.ts';
import type { BookMode } from './open.ts';

export interface BookIdentity {
  bookId: string;
  mode: BookMode;
  schemaVersion: number;
  /** How often it has committed to send; 0 in a schema that did not count it. */
  openSequence: number;
}

export async function identify(db: Knex): Promise<BookIdentity> {
  const [row] = await select<{
    book_id: string;
    mode: BookMode;
    schema_version: number;
    open_sequence?: number;
  }>(db, 'SELECT * FROM book');
  assert(row !== undefined, 'a book has its row');
  return {
    bookId: row.book_id,
    mode: row.mode,
    schemaVersion: row.schema_version,
    openSequence: row.open_sequence ?? 0,
  };
}
