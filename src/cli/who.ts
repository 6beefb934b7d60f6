// How a confirmation names a customer and what will be done to their charge.
import type { App } from '../app.ts';
import type { Charge } from '../charges/charge.ts';
import { customersById } from '../customers/customers-store.ts';
import { formatMoney } from '../money/money.ts';

/** `Ada Lovelace (cus_…)`; the id alone of a customer who was forgotten. */
export async function customerName(app: App, customerId: string): Promise<string> {
  const customer = (await customersById(app.book.reader, [customerId])).get(customerId);
  return customer === undefined || customer.name === '' ? customerId : `${customer.name} (${customerId})`;
}

/** `Refund 12.50 USD to Ada Lovelace (cus_…) through stripe?` */
export async function questionAbout(app: App, charge: Charge, words: string, amountMinor: bigint): Promise<string> {
  const name = await customerName(app, charge.customerId);
  return `${words.replace('%', formatMoney(amountMinor, charge.currency))} ${name} through ${charge.gateway}?`;
}
