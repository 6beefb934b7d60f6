// Whether gateways could ever charge what the rows of a batch ask for.
import type { PaymentMethod } from '../customers/customer.ts';
import { assert, BursarError } from '../errors.ts';
import type { Gateway } from '../gateways/gateway.ts';
import { newId } from '../ids.ts';
import type { ImportContext } from './context.ts';
import type { Common } from './row.ts';

/** Refuses (BursarError) what the method's gateway could never charge, and a token that it can't have given out. */
export type AssertChargeable = (method: PaymentMethod, facts: Common) => void;

/** For requests that are prepared to see whether they can be, and dropped. */
const NO_CHARGE = newId('charge', 0);
const NO_ATTEMPT = newId('attempt', 0);

/** What is asked about the rows of a batch, without waiting; `methods` are theirs. */
export async function chargeableBy(
  context: ImportContext,
  methods: readonly PaymentMethod[],
): Promise<AssertChargeable> {
  const gateways = new Map<string, Gateway | BursarError>();
  for (const method of methods) {
    const key = keyOf(method);
    if (!gateways.has(key)) gateways.set(key, await gatewayOf(context, method));
  }
  return (method, { amountMinor, currency, description }) => {
    const gateway = gateways.get(keyOf(method));
    assert(gateway !== undefined, 'every method was asked about');
    if (gateway instanceof BursarError) throw gateway;
    gateway.prepare({
      operation: 'sale',
      chargeId: NO_CHARGE,
      attemptId: NO_ATTEMPT,
      token: method.token,
      amountMinor,
      currency,
      description,
      objectId: null,
      objectGeneration: 0,
    });
  };
}

const keyOf = ({ gateway, token }: PaymentMethod): string => `${gateway}|${token}`;

async function gatewayOf(context: ImportContext, { gateway, token }: PaymentMethod): Promise<Gateway | BursarError> {
  try {
    await context.assertToken(gateway, token);
    return await context.charges.gateway(gateway);
  } catch (error) {
    if (error instanceof BursarError) return error;
    throw error;
  }
}
