// How charges stand in the audit log.

import type { AuditEntry } from '../audit/audit.ts';
import { encryptPersonal } from '../audit/personal.ts';
import { personalKeys } from '../customers/customers-store.ts';
import { assert } from '../errors.ts';
import type { Db } from '../storage/db.ts';
import type { Charge } from './charge.ts';

/** The audit rows of new charges. */
export async function createdEntries(trx: Db, charges: readonly Charge[]): Promise<AuditEntry[]> {
  if (charges.length === 0) return [];
  const keys = await personalKeys(trx, [...new Set(charges.map(({ customerId }) => customerId))]);
  return charges.map((charge) => {
    const key = keys.get(charge.customerId);
    assert(key !== undefined, 'a customer has a key');
    return createdEntry(charge, key);
  });
}

/** The audit row of a new charge; what a person wrote about it is encrypted with the customer's key. */
export function createdEntry(charge: Charge, key: string): AuditEntry {
  const hasMetadata = Object.keys(charge.metadata).length > 0;
  return {
    ...auditSubject(charge),
    action: 'charge.create',
    after: {
      methodId: charge.methodId,
      intent: charge.intent,
      policy: charge.policy,
      dueAt: new Date(charge.dueAt).toISOString(),
      ...(charge.scheduleId === null ? {} : { scheduleId: charge.scheduleId, period: charge.period }),
      ...(charge.description === null ? {} : { description: encryptPersonal(key, charge.description) }),
      ...(hasMetadata ? { metadata: encryptPersonal(key, JSON.stringify(charge.metadata)) } : {}),
    },
    result: 'created',
  };
}

/** The columns of an audit row that tell which charge it is about. */
export function auditSubject(charge: Charge) {
  return {
    subject: charge.id,
    customerId: charge.customerId,
    chargeId: charge.id,
    gateway: charge.gateway,
    status: charge.status,
    currency: charge.currency,
    amountMinor: charge.amountMinor,
  };
}
