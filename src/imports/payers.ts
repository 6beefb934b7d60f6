// Who pays the rows of an import, and by which method: found in the book, or made when the file brings them along. The same
// reference is one customer, and the same token of a gateway one method of that customer, whoever imports it when.
import { newPersonalKey } from '../audit/personal.ts';
import { unusableMethod } from '../charges/refusals.ts';
import type { Customer, PaymentMethod } from '../customers/customer.ts';
import { customersById, customersByReference } from '../customers/customers-store.ts';
import { methodsById, methodsOfCustomers } from '../customers/methods-store.ts';
import { assert, BursarError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Db } from '../storage/db.ts';
import type { Ahead } from './ahead.ts';
import type { ImportContext } from './context.ts';
import { anotherCustomer, type DryBook } from './dry-book.ts';
import type { NewCustomer, Payer, Resolved } from './payer.ts';

export interface Resolution {
  /** In the order of the payers asked about. */
  payers: (Resolved | BursarError)[];
  /** What has to be written before the rows. */
  customers: NewCustomer[];
  methods: PaymentMethod[];
}

/**
 * Finds the payers of a batch with one query per table, and what has to be made for them; nothing is written. `ahead` is
 * what the batch before makes; in a dry run `dry` knows what all earlier ones would have made.
 */
export async function resolvePayers(
  db: Db,
  context: ImportContext,
  payers: readonly Payer[],
  dry: DryBook | null,
  ahead: Ahead | null,
): Promise<Resolution> {
  const nowMs = context.charges.clock.nowMs();
  const directory = await readDirectory(db, payers, ahead);
  const resolution: Resolution = { payers: [], customers: [], methods: [] };
  for (const payer of payers) {
    try {
      const found = findCustomer(directory, payer);
      const wasMade = found === null && dry !== null && dry.hasCustomer(payer);
      const customer = found ?? newCustomer(payer, nowMs, wasMade);
      const known = directory.methods.get(customer.id) ?? [];
      const method = findMethod(directory, known, customer, payer, context);
      const added = method ?? newMethod(context, customer, payer, nowMs);
      // Only now, when nothing of the row's payer can be refused any more.
      if (found === null && !wasMade) {
        const { customerReference: reference } = payer;
        assert(reference !== null, 'a new customer has a reference');
        directory.byReference.set(reference, customer);
        const { id, name, email, createdAt } = customer;
        resolution.customers.push({ id, name, email, createdAt, reference, personalKey: newPersonalKey() });
      }
      if (method === null && dry?.hasMethod(payer) !== true) {
        directory.methods.set(customer.id, [...known, added]);
        resolution.methods.push(added);
      }
      resolution.payers.push({ customerId: customer.id, method: added });
    } catch (error) {
      if (!(error instanceof BursarError)) throw error;
      resolution.payers.push(error);
    }
  }
  return resolution;
}

/** What the book knows of the customers and methods that a batch names. */
interface Directory {
  byReference: Map<string, Customer>;
  customers: Map<string, Customer>;
  methods: Map<string, PaymentMethod[]>;
  methodsById: Map<string, PaymentMethod>;
}

async function readDirectory(db: Db, payers: readonly Payer[], ahead: Ahead | null): Promise<Directory> {
  const named = (pick: (payer: Payer) => string | null): string[] => [
    ...new Set(payers.flatMap((payer) => pick(payer) ?? [])),
  ];
  const byReference = await customersByReference(
    db,
    named(({ customerReference }) => customerReference),
  );
  const customers = await customersById(
    db,
    named(({ customerId }) => customerId),
  );
  for (const customer of ahead?.customers ?? []) byReference.set(customer.reference, customer);
  for (const customer of byReference.values()) customers.set(customer.id, customer);
  // A method that is named by its id is found by it.
  const byToken = named(({ token, customerId, customerReference }) =>
    token === null ? null : (customerId ?? byReference.get(customerReference ?? '')?.id ?? null),
  );
  const methods = new Map<string, PaymentMethod[]>();
  for (const method of [...(await methodsOfCustomers(db, byToken)), ...(ahead?.methods ?? [])]) {
    const others = methods.get(method.customerId);
    if (others === undefined) methods.set(method.customerId, [method]);
    // The book may have the batch before already.
    else if (others.every(({ id }) => id !== method.id)) others.push(method);
  }
  return {
    byReference,
    customers,
    methods,
    methodsById: await methodsById(
      db,
      named(({ methodId }) => methodId),
    ),
  };
}

function findCustomer(directory: Directory, payer: Payer): Customer | null {
  const { customerId, customerReference, name, email } = payer;
  const found =
    customerReference === null
      ? directory.customers.get(customerId ?? '')
      : directory.byReference.get(customerReference);
  if (found === undefined) {
    if (customerId !== null) throw new BursarError('not_found', `There is no customer ${customerId}.`);
    return null;
  }
  // One that this batch makes has no id yet that anyone could look up.
  const who = directory.customers.has(found.id) ? found.id : undefined;
  if (name !== null && name !== found.name) throw anotherCustomer('name', who);
  if (email !== null && email !== found.email) throw anotherCustomer('email', who);
  return found;
}

function newCustomer({ customerReference, name, email }: Payer, nowMs: number, wasMade: boolean): Customer {
  if (name === null && !wasMade) {
    throw new BursarError('missing_value', 'name is empty, and there is no customer of this customer_reference yet.');
  }
  return { id: newId('customer', nowMs), name: name ?? '', email, createdAt: nowMs, reference: customerReference };
}

function findMethod(
  directory: Directory,
  known: readonly PaymentMethod[],
  customer: Customer,
  payer: Payer,
  context: ImportContext,
): PaymentMethod | null {
  const { methodId, token, gateway } = payer;
  if (token !== null) {
    const issuer = gatewayOf(context, payer);
    const same = known.filter((method) => method.gateway === issuer && method.token === token);
    return usable(same.find(({ removedAt }) => removedAt === null) ?? same.at(-1)) ?? null;
  }
  if (methodId !== null) {
    const method = directory.methodsById.get(methodId);
    if (method === undefined || method.customerId !== customer.id || (gateway !== null && method.gateway !== gateway)) {
      const of = gateway === null ? '' : ` of gateway ${gateway}`;
      throw new BursarError('not_found', `method: the customer has no payment method ${methodId}${of}.`);
    }
    return usable(method) ?? null;
  }
  return null;
}

/** BursarError for one that is blocked or removed. */
function usable(method: PaymentMethod | undefined): PaymentMethod | undefined {
  const error = method === undefined ? null : unusableMethod(method);
  if (error !== null) throw error;
  return method;
}

function newMethod(context: ImportContext, { id }: Customer, payer: Payer, nowMs: number): PaymentMethod {
  const { brand, last4 } = payer;
  return {
    id: newId('method', nowMs),
    customerId: id,
    gateway: gatewayOf(context, payer),
    token: payer.token ?? '',
    brand,
    last4,
    createdAt: nowMs,
    removedAt: null,
    blockedAt: null,
    blockedCode: null,
  };
}

function gatewayOf(context: ImportContext, { gateway }: Payer): string {
  const name = gateway ?? context.defaultGateway();
  if (name === undefined) throw new BursarError('missing_value', 'gateway is empty, and there is no default gateway.');
  context.assertGateway(name);
  return name;
}
