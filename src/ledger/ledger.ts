// The double-entry ledger's facts and their postings, as a pure table. A posting debits one account and credits another
// by the same amount in one currency, so an entry balances by construction.
import { siblingId } from '../ids.ts';

export type NormalSide = 'debit' | 'credit';

export interface Posting {
  debit: string;
  credit: string;
  amountMinor: bigint;
  currency: string;
}

/** `adopted`: money that a gateway moved and that the book can't explain. */
export type EntryKind = 'captured' | 'duplicate' | 'refunded' | 'reversed' | 'adopted';

export interface JournalEntry {
  id: string;
  kind: EntryKind;
  chargeId: string | null;
  attemptId: string | null;
  reversesId: string | null;
  reason: string | null;
  /** Epoch milliseconds. */
  postedAt: number;
  postings: Posting[];
}

export const REVENUE_SALES = 'revenue:sales';
export const REVENUE_REFUNDS = 'revenue:refunds';
export const CUSTOMERS_OVERPAID = 'liabilities:customers:overpaid';
/** Money that nobody can explain yet. */
export const SUSPENSE = 'assets:suspense';

/** What the provider owes us. */
export function gatewayAccount(gateway: string): string {
  return `assets:gateway:${gateway}`;
}

/** The side on which an account of the chart grows, by the top of its name; refunds are contra revenue. */
export function normalSideOf(account: string): NormalSide {
  if (account === REVENUE_REFUNDS) return 'debit';
  const top = account.split(':', 1)[0];
  return top === 'assets' || top === 'expenses' ? 'debit' : 'credit';
}

export interface MoneyMoved {
  kind: Exclude<EntryKind, 'reversed' | 'adopted'>;
  chargeId: string;
  attemptId: string;
  gateway: string;
  amountMinor: bigint;
  currency: string;
  postedAt: number;
  /** Of a refund: gives back a second payment, which we owe the customer, and no revenue. */
  ofDuplicate?: boolean;
}

/** The journal entry of money that an attempt moved. Its id follows from the attempt's: it can be posted only once. */
export function entryFor(fact: MoneyMoved): JournalEntry {
  const gateway = gatewayAccount(fact.gateway);
  const [debit, credit] = {
    captured: [gateway, REVENUE_SALES] as const,
    duplicate: [gateway, CUSTOMERS_OVERPAID] as const,
    refunded: [fact.ofDuplicate === true ? CUSTOMERS_OVERPAID : REVENUE_REFUNDS, gateway] as const,
  }[fact.kind];
  return {
    id: siblingId('entry', fact.attemptId),
    kind: fact.kind,
    chargeId: fact.chargeId,
    attemptId: fact.attemptId,
    reversesId: null,
    reason: null,
    postedAt: fact.postedAt,
    postings: [{ debit, credit, amountMinor: fact.amountMinor, currency: fact.currency }],
  };
}

/** Undoes the entry of a refund that failed after all. Its id follows from the refund's: it is undone only once. */
export function reversalOf(entry: JournalEntry, refundId: string, reason: string, postedAt: number): JournalEntry {
  return {
    ...entry,
    id: siblingId('entry', refundId),
    kind: 'reversed',
    reversesId: entry.id,
    reason,
    postedAt,
    postings: entry.postings.map(({ debit, credit, ...money }) => ({ debit: credit, credit: debit, ...money })),
  };
}

/** A month as the ledger keeps it: 202702 for February 2027, UTC. */
export function monthOf(timeMs: number): number {
  const date = new Date(timeMs);
  return date.getUTCFullYear() * 100 + date.getUTCMonth() + 1;
}

/** 202702 as `2027-02`. */
export function formatMonth(month: number): string {
  return `${Math.floor(month / 100)}-${String(month % 100).padStart(2, '0')}`;
}
