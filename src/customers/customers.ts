// What an operator does with customers.
import { type AuditEntry, type Author, appendAudit } from '../audit/audit.ts';
import { encryptPersonal, newPersonalKey } from '../audit/personal.ts';
import type { Clock } from '../clock.ts';
import { newId } from '../ids.ts';
import type { Book } from '../storage/open.ts';
import { writeTrx } from '../storage/trx.ts';
import { assertText, type Customer, emailFault, nameFault } from './customer.ts';
import { insertCustomers } from './customers-store.ts';

export interface CustomersContext {
  book: Book;
  clock: Clock;
  author: Author;
  /** Refuses a token that the gateway doesn't take for this book, and a gateway that isn't configured. */
  assertToken(gateway: string, token: string): Promise<void>;
}

/** Writes a customer, and the key that encrypts what the audit log keeps of the person. */
export async function createCustomer(
  context: CustomersContext,
  request: { name: string; email: string | null },
): Promise<Customer> {
  const name = request.name.trim();
  const email = request.email?.trim() ?? null;
  assertText('--name', name, nameFault);
  if (email !== null) assertText('--email', email, emailFault);
  const nowMs = context.clock.nowMs();
  const customer: Customer = { id: newId('customer', nowMs), name, email, createdAt: nowMs, reference: null };
  const personalKey = newPersonalKey();
  await writeTrx(context.book, async (trx) => {
    await insertCustomers(trx, [{ ...customer, personalKey }]);
    await appendAudit(trx, context.author, nowMs, [customerEntry(customer, personalKey)]);
  });
  return customer;
}

/** The audit row of a new customer; what tells who that is, is encrypted. */
export function customerEntry({ id, name, email, reference }: Customer, personalKey: string): AuditEntry {
  return {
    subject: id,
    action: 'customer.create',
    after: {
      name: encryptPersonal(personalKey, name),
      email: encryptPersonal(personalKey, email),
      // What is undefined is left out.
      reference: encryptPersonal(personalKey, reference) ?? undefined,
    },
    result: 'created',
    customerId: id,
  };
}
