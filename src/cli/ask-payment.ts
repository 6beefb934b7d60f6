// In which currency, and how much: asked for on a terminal where the flags don't tell.
import { BursarError } from '../errors.ts';
import { currencyCodes } from '../money/currency.ts';
import { parseAmount } from '../money/money.ts';
import { type Asker, askChoice, askInput, canAsk } from './prompts.ts';

export function askCurrency(asker: Asker): Promise<string> {
  const first = ['USD', 'EUR', 'GBP', 'JPY'];
  const codes = canAsk(asker) ? [...new Set([...first, ...currencyCodes()])] : first;
  const choices = codes.map((code) => ({ value: code }));
  return askChoice(asker, { flag: '--currency', message: 'Which currency?', choices });
}

/** Checked as it is typed. */
export function askAmount(asker: Asker, currency: string): Promise<string> {
  const validate = validator((text) => parseAmount(text, currency));
  return askInput(asker, { flag: '--amount', message: `How much, in ${currency}?`, validate });
}

/** A prompt's check out of a parser: what it refuses is told as its message. */
export function validator(parse: (text: string) => unknown): (text: string) => true | string {
  return (text) => {
    try {
      parse(text.trim());
      return true;
    } catch (error) {
      if (error instanceof BursarError) return error.message;
      throw error;
    }
  };
}
