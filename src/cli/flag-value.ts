// What the money, currency and calendar rules refuse, told with the flag it came by and that nothing was done.
import { BursarError } from '../errors.ts';
import { parseAmount } from '../money/money.ts';

/** `parse()`; its refusal is told as `--amount: "1e3" is not an amount. … Nothing was done.` */
export function flagValue<T>(flag: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof BursarError)) throw error;
    const { code, message, hint } = error;
    throw new BursarError(code, `${flag}: ${message} Nothing was done.`, hint === null ? {} : { hint });
  }
}

/** An amount in `currency`, minor units; null where the flag was left out. BursarError(`invalid_amount`). */
export function optionalAmount(flag: string, text: string | undefined, currency: string): bigint | null {
  return text === undefined ? null : flagValue(flag, () => parseAmount(text, currency));
}
