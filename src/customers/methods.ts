// Payment methods of customers: what may be added, and what adding one writes. Replacing and removing one touches
// schedules and charges, so it stands in schedules/.

import { type AuditEntry, appendAudit } from '../audit/audit.ts';
import { BursarError } from '../errors.ts';
import { newId } from '../ids.ts';
import { refusePan } from '../money/pan.ts';
import type { Db } from '../storage/db.ts';
import { writeTrx } from '../storage/trx.ts';
import { assertText, brandFault, last4Fault, type PaymentMethod } from './customer.ts';
import type { CustomersContext } from './customers.ts';
import { customersById } from './customers-store.ts';
import { insertMethods } from './methods-store.ts';

export interface NewMethod {
  customerId: string;
  gateway: string;
  token: string;
  brand: string | null;
  last4: string | null;
}

/** The method that `request` describes, checked but not written. */
export async function newMethod(context: CustomersContext, request: NewMethod): Promise<PaymentMethod> {
  const { customerId, gateway, token, brand, last4 } = request;
  refusePan('--token', token);
  if (brand !== null) assertText('--brand', brand, brandFault);
  if (last4 !== null) assertText('--last4', last4, last4Fault);
  await context.assertToken(gateway, token);
  if (!(await customersById(context.book.reader, [customerId])).has(customerId)) {
    throw new BursarError('not_found', `There is no customer ${customerId}. No method was added.`, {
      hint: 'See what there is: bursar customers list',
    });
  }
  const createdAt = context.clock.nowMs();
  const id = newId('method', createdAt);
  const unblocked = { removedAt: null, blockedAt: null, blockedCode: null };
  return { id, customerId, gateway, token, brand, last4, createdAt, ...unblocked };
}

/** Writes a new method and its audit row, in the caller's trx. The token stays out of the log, which is exported. */
export async function writeMethod(trx: Db, context: CustomersContext, method: PaymentMethod): Promise<void> {
  await insertMethods(trx, [method]);
  await appendAudit(trx, context.author, method.createdAt, [methodEntry(method)]);
}

/** The audit row of a new method. */
export function methodEntry({ id, customerId, gateway, brand, last4 }: PaymentMethod): AuditEntry {
  return { subject: id, action: 'method.add', after: { brand, last4 }, result: 'added', customerId, gateway };
}

export async function addMethod(context: CustomersContext, request: NewMethod): Promise<PaymentMethod> {
  const method = await newMethod(context, request);
  await writeTrx(context.book, (trx) => writeMethod(trx, context, method));
  return method;
}
