// Transactions. A COMMIT that fails is not a failure that can be believed: the rows may be there all the same
// (measured with EIO on the WAL's fsync), so it has an error of its own and the connection is thrown away.
import type { Knex } from 'knex';
import { BursarError } from '../errors.ts';
import { translateStorageError } from './dialect.ts';
import type { Book } from './open.ts';

export async function writeTrx<T>(book: Book, work: (trx: Knex.Transaction) => Promise<T>): Promise<T> {
  let workDone = false;
  try {
    const result = await book.db.transaction(async (trx) => {
      const done = await work(trx);
      workDone = true;
      return done;
    });
    book.hasWritten = true;
    return result;
  } catch (error) {
    if (!workDone) throw translateStorageError(error, book.where);
    await book.reconnect();
    throw new BursarError(
      'commit_unknown',
      `The book ${book.where} did not confirm a commit: what was being written may stand in it or not.`,
      { hint: 'Check the disk, then look at what stands in the book before repeating anything.', cause: error },
    );
  }
}

/** Everything that `work` reads is the book as it stood at its first query, whatever others commit meanwhile. */
export async function readTrx<T>(book: Book, work: (trx: Knex.Transaction) => Promise<T>): Promise<T> {
  try {
    return await book.reader.transaction(work);
  } catch (error) {
    throw translateStorageError(error, book.where);
  }
}
