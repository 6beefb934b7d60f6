// Amounts in findings. A damaged book may name currencies that there are not; it is checked all the same.
import { currencyCodes } from '../money/currency.ts';
import { formatMoney } from '../money/money.ts';

let known: ReadonlySet<string> | undefined;

/** `12.50 USD`; minor units as they are where the currency is unknown. */
export function money(minor: number | bigint | null, currency: string | null): string {
  known ??= new Set(currencyCodes());
  if (minor === null || currency === null) return 'nothing';
  return known.has(currency) ? formatMoney(BigInt(minor), currency) : `${minor} minor units of ${currency}`;
}
