// What a row of an import says about who pays and by which method.
import {
  brandFault,
  type Customer,
  emailFault,
  last4Fault,
  nameFault,
  type PaymentMethod,
} from '../customers/customer.ts';
import { BursarError } from '../errors.ts';
import { type IdKind, isId } from '../ids.ts';
import { LONGEST_KEY } from '../written-text.ts';
import type { Cells } from './cells.ts';

/** What a row says about who pays. */
export interface Payer {
  customerId: string | null;
  customerReference: string | null;
  name: string | null;
  email: string | null;
  methodId: string | null;
  gateway: string | null;
  token: string | null;
  brand: string | null;
  last4: string | null;
}

/** Who pays, found or made. */
export interface Resolved {
  customerId: string;
  method: PaymentMethod;
}

/** A customer whom the file brings along. */
export interface NewCustomer extends Customer {
  reference: string;
  /** Encrypts what the audit log keeps of the person. */
  personalKey: string;
}

export function readPayer(cells: Cells): Payer {
  const payer: Payer = {
    customerId: idIn(cells, 'customer', 'customer'),
    customerReference: cells.text('customer_reference', LONGEST_KEY),
    name: cells.checked('name', nameFault),
    email: cells.checked('email', emailFault),
    methodId: idIn(cells, 'method', 'method'),
    gateway: cells.text('gateway'),
    token: cells.text('token'),
    brand: cells.checked('brand', brandFault),
    last4: cells.checked('last4', last4Fault),
  };
  if ((payer.customerId === null) === (payer.customerReference === null)) {
    const missing = payer.customerId === null;
    throw new BursarError(
      missing ? 'missing_value' : 'invalid_value',
      `It names ${missing ? 'no customer' : 'a customer twice'}: give customer or customer_reference.`,
    );
  }
  // Not the customer's only one: which that is would depend on the rows before.
  if ((payer.methodId === null) === (payer.token === null)) {
    const missing = payer.methodId === null;
    throw new BursarError(
      missing ? 'missing_value' : 'invalid_value',
      `It names ${missing ? 'no payment method' : 'a payment method twice'}: give token or method.`,
    );
  }
  return payer;
}

function idIn(cells: Cells, column: string, kind: IdKind): string | null {
  const id = cells.optional(column);
  if (id === null || isId(kind, id)) return id;
  throw new BursarError('invalid_id', `${column} is not the id of a ${kind === 'method' ? 'payment method' : kind}.`);
}
