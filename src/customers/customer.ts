// Who pays, and how: a customer and their payment methods. A method is a gateway's token, never a card number.
import { BursarError } from '../errors.ts';
import { refusePan } from '../money/pan.ts';
import { faultOf } from '../written-text.ts';

export interface Customer {
  id: string;
  name: string;
  email: string | null;
  createdAt: number;
  /** What another system calls the customer, from an import. */
  reference: string | null;
}

export interface PaymentMethod {
  id: string;
  customerId: string;
  gateway: string;
  token: string;
  brand: string | null;
  last4: string | null;
  createdAt: number;
  removedAt: number | null;
  /** After a hard decline the method is never charged again. */
  blockedAt: number | null;
  blockedCode: string | null;
}

const LONGEST_NAME = 200;
const LONGEST_EMAIL = 254;

/** What is wrong with a customer's name, or null. */
export function nameFault(text: string): string | null {
  return faultOf(text, LONGEST_NAME);
}

/** What is wrong with an email address, or null. A plain rule: mail is never sent from here. */
export function emailFault(text: string): string | null {
  const fault = faultOf(text, LONGEST_EMAIL);
  if (fault !== null) return fault;
  return /^[^\s@<>,;]+@[^\s@.<>,;]+(\.[^\s@.<>,;]+)+$/.test(text)
    ? null
    : 'is not an email address such as ada@example.com';
}

export function brandFault(text: string): string | null {
  return /^[A-Za-z][A-Za-z0-9 _-]{0,29}$/.test(text) ? null : 'is not a card brand such as visa';
}

export function last4Fault(text: string): string | null {
  return /^[0-9]{4}$/.test(text) ? null : 'is not four digits';
}

/** Refuses `text` with BursarError(`invalid_value`) or `card_number`; `fault` says what is wrong with it. */
export function assertText(what: string, text: string, fault: (text: string) => string | null): void {
  refusePan(what, text);
  const found = fault(text);
  if (found !== null) throw new BursarError('invalid_value', `${what} ${found}. Nothing was written.`);
}
