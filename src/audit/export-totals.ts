// The totals of an export: per currency how many of its rows tell of money moved, and how much that was. They are counts
// over the exported rows, not balances: a capture whose row is outside of the filter is not in them.

/** Amounts are minor units as text. */
export interface ExportTotal {
  currency: string;
  capturedCount: number;
  capturedMinor: string;
  refundedCount: number;
  refundedMinor: string;
  /** Second approvals of one charge: money held that has to be given back. */
  duplicateCount: number;
  duplicateMinor: string;
}

export type MoneyMove = 'captured' | 'refunded' | 'duplicate';

/** What a row tells of money: an approved sale or capture, an approved refund, a second approval; else null. */
export function moneyMoved(action: string, result: string): MoneyMove | null {
  if (result === 'duplicate') return action === 'sale.settle' ? 'duplicate' : null;
  if (result !== 'approved') return null;
  if (action === 'sale.settle' || action === 'capture.settle') return 'captured';
  return action === 'refund.settle' ? 'refunded' : null;
}

/** The results of rows that `moneyMoved` has a name for. */
export const MOVING_RESULTS = ['approved', 'duplicate'];

type Counted = Record<MoneyMove, { count: number; minor: bigint }>;

/** The totals of rows in hand. */
export class TotalsCounter {
  readonly #byCurrency = new Map<string, Counted>();

  add(row: { action: string; result: string; currency: string | null; amount_minor: number | null }): void {
    const move = moneyMoved(row.action, row.result);
    if (row.currency === null || move === null) return;
    this.#add(row.currency, move, 1, BigInt(row.amount_minor ?? 0));
  }

  /** Totals of a part, counted already. */
  addTotals(totals: readonly ExportTotal[]): void {
    for (const total of totals) {
      this.#add(total.currency, 'captured', total.capturedCount, BigInt(total.capturedMinor));
      this.#add(total.currency, 'refunded', total.refundedCount, BigInt(total.refundedMinor));
      this.#add(total.currency, 'duplicate', total.duplicateCount, BigInt(total.duplicateMinor));
    }
  }

  #add(currency: string, move: MoneyMove, count: number, minor: bigint): void {
    const none = () => ({ count: 0, minor: 0n });
    const counted = this.#byCurrency.get(currency) ?? { captured: none(), refunded: none(), duplicate: none() };
    this.#byCurrency.set(currency, counted);
    counted[move].count += count;
    counted[move].minor += minor;
  }

  list(): ExportTotal[] {
    const sorted = [...this.#byCurrency].sort(([a], [b]) => (a < b ? -1 : 1));
    return sorted.map(([currency, moved]) => ({
      currency,
      capturedCount: moved.captured.count,
      capturedMinor: moved.captured.minor.toString(),
      refundedCount: moved.refunded.count,
      refundedMinor: moved.refunded.minor.toString(),
      duplicateCount: moved.duplicate.count,
      duplicateMinor: moved.duplicate.minor.toString(),
    }));
  }
}
