// Transactions. A COMMIT that fails is not a failure that can be believed: the rows may be there all the same
// (measured with EIO on the WAL's fsync), so it has an error of its own and its connection is thrown away.
import type { Knex } from 'knex';
import { BursarError } from '../errors.ts';
import { emptyLog } from './dialect.ts';
import { faultOf, isEngineError, translateStorageError } from './engine-errors.ts';
import type { Book } from './open.ts';

/** A commit that was not confirmed. */
export class CommitUnknown extends BursarError {
  /** Whether the book now shows for good what became of it; otherwise it may still turn up, or vanish, later. */
  readonly isDecided: boolean;
  /** The end of the sentence: `: it is on a disk that is full.` */
  readonly why: string;

  constructor(where: string, isDecided: boolean, cause: unknown) {
    const fault = faultOf(cause);
    const why = fault === null ? '.' : `: it ${fault.what}`;
    super(
      'commit_unknown',
      isDecided
        ? `The book ${where} did not confirm a commit${why} What was being written stands in it whole, or not at all.`
        : `The book ${where} did not confirm a commit${why} Whether it stands is not known: what was being written may turn up in it.`,
      {
        hint: `Look at what stands in the book before repeating anything. ${fault?.hint ?? 'Check the disk.'}`,
        cause,
      },
    );
    this.why = why;
    this.isDecided = isDecided;
  }
}

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
    throw new CommitUnknown(book.where, await decide(book), error);
  }
}

/**
 * Makes what became of a failed commit final. Its frames may lie in the log, unseen as long as somebody holds the log's
 * index, and be found again by the next who has to rebuild it; and frames whose fsync failed may be on the disk or not,
 * whatever later fsyncs say (https://wiki.postgresql.org/wiki/Fsync_Errors). Emptying the log into the file ends both.
 */
async function decide(book: Book): Promise<boolean> {
  try {
    return await emptyLog(book.db);
  } catch (error) {
    if (isEngineError(error) || error instanceof BursarError) return false;
    throw error;
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
