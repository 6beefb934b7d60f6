// A payment method in the place of another one of the same customer: an expired card's successor. Schedules and charges
// that wait go over to it in one commit, so that no run finds them in between.

import { type AuditEntry, appendAudit } from '../audit/audit.ts';
import type { Charge } from '../charges/charge.ts';
import { chargeEntry } from '../charges/charge-audit.ts';
import { lockCharges, updateCharges } from '../charges/charges-store.ts';
import type { PaymentMethod } from '../customers/customer.ts';
import type { CustomersContext } from '../customers/customers.ts';
import { type NewMethod, newMethod, writeMethod } from '../customers/methods.ts';
import { methodsById } from '../customers/methods-store.ts';
import { BursarError } from '../errors.ts';
import type { DeclineClass } from '../gateways/declines.ts';
import type { Db } from '../storage/db.ts';
import { writeTrx } from '../storage/trx.ts';
import { scheduleIdsUsing, waitingChargeIds } from './method-use-store.ts';
import type { Schedule } from './schedule.ts';
import { scheduleSubject } from './schedule-audit.ts';
import { schedulesById, updateSchedules } from './schedules-store.ts';

export interface Replaced {
  /** The method that was replaced. */
  methodId: string;
  /** Active and paused schedules that go on with the new one. */
  schedules: number;
  /** Charges that wait to be collected and go on with the new one. */
  charges: number;
}

/** What another method ends: a bad card, and one whose customer did not confirm the payment. */
const ENDED_BY_METHOD: readonly (DeclineClass | null)[] = ['update_method', 'authentication'];

/**
 * Adds a method and moves everything over that goes on with `oldId`. Charges that failed for want of another method, or of
 * a confirmation, are due at once; the others keep their time. The old method stays: it can be removed now.
 */
export async function replaceMethod(
  context: CustomersContext,
  request: NewMethod,
  oldId: string,
): Promise<{ method: PaymentMethod; replaced: Replaced }> {
  const method = await newMethod(context, request);
  return writeTrx(context.book, async (trx) => {
    const old = (await methodsById(trx, [oldId])).get(oldId);
    if (old?.customerId !== method.customerId) {
      throw new BursarError('conflict', `Payment method ${oldId} belongs to another customer. No method was added.`, {
        hint: `See the methods of this one: bursar methods list --customer ${method.customerId}`,
      });
    }
    await writeMethod(trx, context, method);
    const audit: AuditEntry[] = [];
    const schedules = await moveSchedules(trx, oldId, method, audit);
    const charges = await moveCharges(trx, oldId, method, audit);
    await appendAudit(trx, context.author, method.createdAt, audit);
    return { method, replaced: { methodId: oldId, schedules, charges } };
  });
}

async function moveSchedules(trx: Db, oldId: string, method: PaymentMethod, audit: AuditEntry[]): Promise<number> {
  const schedules = await schedulesById(trx, await scheduleIdsUsing(trx, oldId));
  const moved = [...schedules.values()].map(
    (schedule): Schedule => ({
      ...schedule,
      methodId: method.id,
      version: schedule.version + 1,
      updatedAt: method.createdAt,
    }),
  );
  await updateSchedules(trx, moved);
  const entry = { action: 'schedule.method', ...movedFrom(oldId, method) };
  audit.push(...moved.map((schedule) => ({ ...scheduleSubject(schedule), ...entry })));
  return moved.length;
}

async function moveCharges(trx: Db, oldId: string, method: PaymentMethod, audit: AuditEntry[]): Promise<number> {
  const charges = await lockCharges(trx, await waitingChargeIds(trx, oldId));
  const moved = [...charges.values()].map((was) => ({ was, now: withMethod(was, method) }));
  await updateCharges(trx, moved);
  audit.push(...moved.map(({ now }) => chargeEntry(now, { action: 'charge.method', ...movedFrom(oldId, method) })));
  return moved.length;
}

function withMethod(charge: Charge, method: PaymentMethod): Charge {
  const waits = charge.status === 'failed' && charge.retryAt === null && ENDED_BY_METHOD.includes(charge.declineClass);
  return {
    ...charge,
    methodId: method.id,
    gateway: method.gateway,
    // A payment object belongs to the gateway that has it.
    objectId: charge.gateway === method.gateway ? charge.objectId : null,
    retryAt: waits ? method.createdAt : charge.retryAt,
    retryRule: waits ? 'method_replaced' : charge.retryRule,
    version: charge.version + 1,
    updatedAt: method.createdAt,
  };
}

function movedFrom(oldId: string, method: PaymentMethod) {
  return { before: { methodId: oldId }, after: { methodId: method.id }, result: 'changed' };
}
