// The safety limits of a run: counted over due periods, pending charges and due retries, before anything is
// materialised or opened.
import { BursarError } from '../errors.ts';
import { formatMoney } from '../money/money.ts';
import type { DueTotal, StoppedBy } from './run.ts';

export interface Limits {
  maxCount: number | null;
  /** Minor units per currency; where any currency is limited, one that is not named is limited to 0. */
  maxAmount: ReadonlyMap<string, bigint>;
}

/** The error that stops the run, or `null`. */
export function exceeded(
  limits: Limits,
  totals: readonly DueTotal[],
): { stoppedBy: StoppedBy; error: BursarError } | null {
  const count = totals.reduce((sum, total) => sum + total.count, 0);
  if (limits.maxCount !== null && count > limits.maxCount) {
    return {
      stoppedBy: 'max_count',
      error: limitError(`${count} ${count === 1 ? 'charge is' : 'charges are'} due, --max-count is ${limits.maxCount}`),
    };
  }
  if (limits.maxAmount.size === 0) return null;
  for (const { currency, amountMinor } of totals) {
    const limit = limits.maxAmount.get(currency) ?? 0n;
    if (amountMinor <= limit) continue;
    const stated = limits.maxAmount.has(currency)
      ? `--max-amount is ${formatMoney(limit, currency)}`
      : `no --max-amount names ${currency}, which limits it to 0`;
    return { stoppedBy: 'max_amount', error: limitError(`${formatMoney(amountMinor, currency)} are due, ${stated}`) };
  }
  return null;
}

function limitError(text: string): BursarError {
  return new BursarError('safety_limit', `The run was stopped by a safety limit: ${text}. No due charge was tried.`, {
    hint: 'Look at what is due with --dry-run, then raise the limit.',
  });
}
