// From the flags of `charges create` to what is charged: checked, looked up, and on a terminal asked for where missing.
import { Flags, type Interfaces } from '@oclif/core';
import type { App } from '../app.ts';
import type { Charge } from '../charges/charge.ts';
import { chargesByIdempotencyKey } from '../charges/charges-store.ts';
import type { CreateCharge } from '../charges/operations.ts';
import { parseCurrency } from '../money/currency.ts';
import { parseAmount } from '../money/money.ts';
import { LONGEST_KEY } from '../written-text.ts';
import { customerId as findCustomer } from './ask-customer.ts';
import { askAmount, askCurrency } from './ask-payment.ts';
import { chooseMethod } from './choose-method.ts';
import { flagValue } from './flag-value.ts';
import { parseMetadata } from './metadata.ts';
import type { Asker } from './prompts.ts';
import { optionalText } from './text-input.ts';

/** The flags of `charges create` that tell what to charge. */
export const chargeInputFlags = {
  customer: Flags.string({ helpValue: 'ID', summary: 'Who pays.' }),
  amount: Flags.string({ helpValue: '12.50', summary: 'How much.' }),
  currency: Flags.string({ helpValue: 'USD', summary: 'ISO 4217 code.' }),
  method: Flags.string({ helpValue: 'ID', summary: "Payment method. Default: the customer's only one." }),
  gateway: Flags.string({ helpValue: 'NAME', summary: 'Only a payment method of this gateway.' }),
  authorize: Flags.boolean({ default: false, summary: 'Hold the money, to be captured later.' }),
  policy: Flags.string({
    default: 'none',
    helpValue: 'NAME',
    summary: 'When it is tried again by itself: none, standard, or a configured one.',
  }),
  description: Flags.string({ summary: 'What it is for.' }),
  metadata: Flags.string({
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'KEY=VALUE',
    summary: 'A note of your own; may be repeated.',
  }),
  'idempotency-key': Flags.string({ helpValue: 'KEY', summary: 'Names this payment, so that it is made once.' }),
};

export type ChargeFlags = Interfaces.InferredFlags<typeof chargeInputFlags>;

/** What to charge. BursarError for whatever is missing, malformed, or not there; nothing is written. */
export async function readChargeFlags(app: App, asker: Asker, flags: ChargeFlags): Promise<CreateCharge> {
  flagValue('--policy', () => app.policy(flags.policy));
  if (flags.gateway !== undefined) app.assertGateway(flags.gateway);
  const { authorize, policy } = flags;
  const description = optionalText('--description', flags.description);
  const metadata = parseMetadata(flags.metadata);
  const idempotencyKey = optionalText('--idempotency-key', flags['idempotency-key'], LONGEST_KEY);
  const givenCurrency = flags.currency;
  const known = givenCurrency === undefined ? null : flagValue('--currency', () => parseCurrency(givenCurrency));
  if (known !== null && flags.amount !== undefined) amountOf(flags.amount, known);

  const customerId = await findCustomer(app, asker, flags.customer, { money: true });
  const currency = known ?? (await askCurrency(asker));
  const amountMinor = amountOf(flags.amount ?? (await askAmount(asker, currency)), currency);
  const earlier = idempotencyKey === null ? undefined : await chargeOfKey(app, idempotencyKey);
  const method = await chooseMethod(app, asker, {
    customerId,
    named: flags.method,
    gateway: flags.gateway,
    earlierMethodId: earlier?.methodId,
    noun: 'charge',
  });
  return {
    customerId,
    methodId: method.id,
    gateway: method.gateway,
    amountMinor,
    currency,
    intent: authorize ? 'authorize' : 'sale',
    policy,
    description,
    metadata,
    idempotencyKey,
  };
}

function amountOf(text: string, currency: string): bigint {
  return flagValue('--amount', () => parseAmount(text, currency));
}

async function chargeOfKey(app: App, key: string): Promise<Charge | undefined> {
  return (await chargesByIdempotencyKey(app.book.reader, [key])).get(key);
}
