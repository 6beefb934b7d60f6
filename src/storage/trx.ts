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
      `The book ${book.where} did not confirm a commit. What it held was or was not written; no money is sent on a guess.`,
      {
        hint: 'Check the disk, then run the command again: it rereads the book and goes on from what stands there.',
        cause: error,
      },
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
