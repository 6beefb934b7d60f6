// Accounts, balances and journal entries as commands print them. The shapes are documented and only ever added to.
import type { Balance } from '../../ledger/balances.ts';
import type { JournalEntry } from '../../ledger/ledger.ts';
import { formatMoney } from '../../money/money.ts';
import { type Column, idColumn, numberColumn } from '../columns.ts';
import { isoTime } from '../time-format.ts';

export interface BalanceView {
  account: string;
  currency: string;
  normalSide: string;
  balanceMinor: string;
}

export interface EntryView {
  id: string;
  kind: string;
  chargeId: string | null;
  attemptId: string | null;
  reversesId: string | null;
  reason: string | null;
  postedAt: string;
  postings: { debit: string; credit: string; amountMinor: string; currency: string }[];
}

export function toBalanceView({ account, currency, normalSide, balanceMinor }: Balance): BalanceView {
  return { account, currency, normalSide, balanceMinor: balanceMinor.toString() };
}

export function toEntryView(entry: JournalEntry): EntryView {
  const postings = entry.postings.map((posting) => ({ ...posting, amountMinor: posting.amountMinor.toString() }));
  const { id, kind, chargeId, attemptId, reversesId, reason, postedAt } = entry;
  return { id, kind, chargeId, attemptId, reversesId, reason, postedAt: isoTime(postedAt), postings };
}

export const balanceColumns: readonly Column<BalanceView>[] = [
  { key: 'account', shorten: 'start' },
  { key: 'currency', inTable: false },
  { key: 'normalSide', header: 'SIDE' },
  {
    ...numberColumn<BalanceView>('balanceMinor', (row) => formatMoney(BigInt(row.balanceMinor), row.currency)),
    header: 'BALANCE',
  },
];

/** What an entry of several postings moves stands in one cell each. */
export function entryColumns(time: (time: string) => string | null): Column<EntryView>[] {
  const each = (tell: (posting: EntryView['postings'][number]) => string) => (row: EntryView) =>
    row.postings.map(tell).join('; ');
  return [
    { key: 'postedAt', header: 'POSTED', cell: ({ postedAt }) => time(postedAt), shorten: 'never' },
    { key: 'kind' },
    { key: 'debit', cell: each(({ debit }) => debit), shorten: 'start' },
    { key: 'credit', cell: each(({ credit }) => credit), shorten: 'start' },
    numberColumn(
      'amount',
      each(({ amountMinor, currency }) => formatMoney(BigInt(amountMinor), currency)),
    ),
    idColumn('chargeId', 'CHARGE'),
    idColumn('id', 'ENTRY'),
    { key: 'attemptId', inTable: false },
    { key: 'reversesId', inTable: false },
    { key: 'reason', inTable: false },
    { key: 'postings', inTable: false },
  ];
}
