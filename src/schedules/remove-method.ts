// Removing a payment method: refused while a schedule or an unfinished charge goes on with it.
import { appendAudit } from '../audit/audit.ts';
import type { PaymentMethod } from '../customers/customer.ts';
import type { CustomersContext } from '../customers/customers.ts';
import { markRemoved, methodsById } from '../customers/methods-store.ts';
import { BursarError } from '../errors.ts';
import { writeTrx } from '../storage/trx.ts';
import { scheduleIdsUsing, unfinishedChargeIds } from './method-use-store.ts';

/** The removed method. Its row stays, since charges of the past name it. BursarError `not_found`, `conflict`. */
export async function removeMethod(context: CustomersContext, methodId: string): Promise<PaymentMethod> {
  const { book, author, clock } = context;
  return writeTrx(book, async (trx) => {
    const method = (await methodsById(trx, [methodId])).get(methodId);
    if (method === undefined || method.removedAt !== null) {
      const what = method === undefined ? 'There is no such payment method' : 'It was removed before';
      throw new BursarError('not_found', `${what}: ${methodId}. Nothing was changed.`, {
        hint: 'See what there is: bursar methods list',
      });
    }
    const schedules = await scheduleIdsUsing(trx, methodId);
    const charges = await unfinishedChargeIds(trx, methodId);
    if (schedules.length + charges.length > 0) throw inUse(methodId, schedules, charges);
    const nowMs = clock.nowMs();
    await markRemoved(trx, methodId, nowMs);
    const { customerId, gateway } = method;
    await appendAudit(trx, author, nowMs, [
      { subject: methodId, action: 'method.remove', result: 'removed', customerId, gateway },
    ]);
    return { ...method, removedAt: nowMs };
  });
}

function inUse(methodId: string, schedules: readonly string[], charges: readonly string[]): BursarError {
  const uses = [counted(schedules, 'schedule'), counted(charges, 'unfinished charge')].filter((text) => text !== '');
  return new BursarError(
    'conflict',
    `Payment method ${methodId} is in use by ${uses.join(' and ')}. It was not removed.`,
    {
      hint: `Give them another one: bursar methods add --replaces ${methodId}, then remove this one.`,
    },
  );
}

function counted(ids: readonly string[], noun: string): string {
  if (ids.length === 0) return '';
  return `${ids.length} ${noun}${ids.length === 1 ? '' : 's'} (${ids.slice(0, 3).join(', ')}${ids.length > 3 ? ', …' : ''})`;
}
