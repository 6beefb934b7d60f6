// How schedules stand in the audit log.
import type { Knex } from 'knex';
import type { AuditEntry } from '../audit/audit.ts';
import { encryptPersonal } from '../audit/personal.ts';
import { personalKeys } from '../customers/customers-store.ts';
import { assert } from '../errors.ts';
import { formatEvery } from './calendar-input.ts';
import type { Schedule } from './schedule.ts';

/** The audit row of a new schedule; what a person wrote about it is encrypted with the customer's key. */
export async function createdEntry(trx: Knex, schedule: Schedule): Promise<AuditEntry> {
  const { recurrence, description, metadata } = schedule;
  const key = (await personalKeys(trx, [schedule.customerId])).get(schedule.customerId);
  assert(key !== undefined, 'a customer has a key');
  const hasMetadata = Object.keys(metadata).length > 0;
  return {
    ...scheduleSubject(schedule),
    action: 'schedule.create',
    after: {
      methodId: schedule.methodId,
      policy: schedule.policy,
      ...recurrence,
      every: recurrence.every === null ? null : formatEvery(recurrence.every),
      nextPeriod: schedule.next?.period ?? null,
      ...(description === null ? {} : { description: encryptPersonal(key, description) }),
      ...(hasMetadata ? { metadata: encryptPersonal(key, JSON.stringify(metadata)) } : {}),
    },
    result: 'created',
  };
}

/** The columns of an audit row that tell which schedule it is about. */
export function scheduleSubject(schedule: Schedule) {
  return {
    subject: schedule.id,
    customerId: schedule.customerId,
    status: schedule.status,
    currency: schedule.currency,
    amountMinor: schedule.amountMinor,
  };
}
