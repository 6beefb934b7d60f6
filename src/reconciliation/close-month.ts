// Closing a month of the ledger, with its audit row: balances begin from its snapshot, and nothing is posted into it
// any more.
import { type Author, appendAudit } from '../audit/audit.ts';
import type { Clock } from '../clock.ts';
import { BursarError } from '../errors.ts';
import { closeMonth } from '../ledger/balances.ts';
import { formatMonth } from '../ledger/ledger.ts';
import type { Book } from '../storage/open.ts';
import { writeTrx } from '../storage/trx.ts';

export interface ClosedMonth {
  month: string;
  /** Postings of this month and of earlier ones that were still open. */
  postings: number;
  closedAt: number;
}

/** `2027-01` as the ledger keeps it: 202701. BursarError `invalid_value`. */
export function parseMonth(text: string): number {
  const [, year, month] = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(text) ?? [];
  if (year !== undefined && month !== undefined) return Number(year) * 100 + Number(month);
  throw new BursarError('invalid_value', `--month takes a month such as 2027-01, not "${text}". Nothing was closed.`);
}

export async function closeLedgerMonth(
  { book, clock, author }: { book: Book; clock: Clock; author: Author },
  month: number,
): Promise<ClosedMonth> {
  return writeTrx(book, async (trx) => {
    const closedAt = clock.nowMs();
    const { postings } = await closeMonth(trx, month, closedAt);
    const subject = formatMonth(month);
    await appendAudit(trx, author, closedAt, [
      { subject, action: 'ledger.close', after: { postings }, result: 'closed' },
    ]);
    return { month: subject, postings, closedAt };
  });
}
