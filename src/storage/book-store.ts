// The one row that says what a book is.
import type { Knex } from 'knex';
import { assert } from '../errors.ts';
import { select } from './batch.ts';

export interface BookFacts {
  bookId: string;
  mode: 'test' | 'live';
  schemaVersion: number;
}

export async function bookFacts(db: Knex): Promise<BookFacts> {
  const [row] = await select<BookFacts>(
    db,
    'SELECT book_id AS "bookId", mode, schema_version AS "schemaVersion" FROM book',
  );
  assert(row !== undefined, 'a book that is open says what it is');
  return row;
}
