// What a dry run would have written so far, so that rows further down are told as they would be: the same reference twice,
// another name for the same customer. Digests only, since a file may have millions of rows.
import { createHash } from 'node:crypto';
import { BursarError } from '../errors.ts';
import type { Payer } from './payer.ts';
import type { Identity } from './row.ts';

export class DryBook {
  readonly #rows = new Map<number, number>();
  readonly #names = new Map<number, number>();
  readonly #emails = new Map<number, number>();
  readonly #methods = new Set<number>();

  /** The row of the file that had this reference. */
  earlier({ reference, requestHash }: Identity): { id: string; requestHash: string } | undefined {
    const hash = this.#rows.get(digest(reference));
    if (hash === undefined) return undefined;
    return { id: 'another row of this file', requestHash: hash === digest(requestHash) ? requestHash : '' };
  }

  remember(
    rows: readonly (Identity & { payer: Payer })[],
    made: readonly { reference: string; name: string; email: string | null }[],
  ): void {
    for (const { reference, requestHash, payer } of rows) {
      this.#rows.set(digest(reference), digest(requestHash));
      if (payer.token !== null) this.#methods.add(methodDigest(payer));
    }
    for (const { reference, name, email } of made) {
      this.#names.set(digest(reference), digest(name));
      if (email !== null) this.#emails.set(digest(reference), digest(email));
    }
  }

  /** Whether an earlier row would have made this customer. BursarError(`conflict`) under another name or address. */
  hasCustomer({ customerReference, name, email }: Payer): boolean {
    if (customerReference === null) return false;
    const key = digest(customerReference);
    const known = this.#names.get(key);
    if (known === undefined) return false;
    if (name !== null && known !== digest(name)) throw anotherCustomer('name');
    if (email !== null && this.#emails.get(key) !== digest(email)) throw anotherCustomer('email');
    return true;
  }

  hasMethod(payer: Payer): boolean {
    return payer.token !== null && this.#methods.has(methodDigest(payer));
  }
}

/** The customer is there, under another name or address: then one of the two is a slip. */
export function anotherCustomer(column: 'name' | 'email', who = 'of an earlier row'): BursarError {
  return new BursarError('conflict', `${column}: the customer is ${who}, who has another ${column}.`, {
    hint: `Leave ${column} empty, or correct it.`,
  });
}

const methodDigest = ({ customerId, customerReference, gateway, token }: Payer): number =>
  digest([customerId, customerReference, gateway, token].join('\0'));

/** 53 bits: that two of a million rows have the same is one chance in 18,000. */
function digest(text: string): number {
  const bytes = createHash('sha256').update(text).digest();
  return bytes.readUIntBE(0, 6) * 32 + ((bytes[6] ?? 0) & 31);
}
