// Who pays, in which currency, and how much: asked for on a terminal where the flags don't tell.
import type { App } from '../app.ts';
import { customerPage } from '../customers/customers-store.ts';
import { BursarError } from '../errors.ts';
import { currencyCodes } from '../money/currency.ts';
import { parseAmount } from '../money/money.ts';
import { type Asker, askChoice, askInput, canAsk } from './prompts.ts';

/** How many customers are offered to choose from, newest first. */
const CUSTOMERS_OFFERED = 100;

export async function askCustomer(app: App, asker: Asker): Promise<string> {
  const customers = canAsk(asker) ? await customerPage(app.book.reader, CUSTOMERS_OFFERED) : [];
  const choices = customers.map(({ id, name }) => ({ value: id, name: `${name} (${id})` }));
  if (choices.length > 0) return askChoice(asker, { flag: '--customer', message: 'Which customer?', choices });
  return askInput(asker, { flag: '--customer', message: 'Customer id:' });
}

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
