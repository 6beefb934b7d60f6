// Customers, payment methods and the kill switch in the book: what each change writes, and into the audit log.
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { decryptPersonal } from '../../src/audit/personal.ts';
import { pause, resume } from '../../src/charges/pause.ts';
import { pauses } from '../../src/charges/pauses-store.ts';
import { type CustomersContext, createCustomer } from '../../src/customers/customers.ts';
import { personalKeys } from '../../src/customers/customers-store.ts';
import { addMethod } from '../../src/customers/methods.ts';
import { BursarError } from '../../src/errors.ts';
import { removeMethod } from '../../src/schedules/remove-method.ts';
import { replaceMethod } from '../../src/schedules/replace-method.ts';
import { createBook, openBook } from '../../src/storage/open.ts';
import { manualClock } from '../gateways/manual-clock.ts';
import { temporaryFolder } from '../support/cli.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let context: CustomersContext;
const clock = manualClock();

beforeEach(async () => {
  folder = await temporaryFolder();
  const path = join(folder.path, 'book.db');
  await createBook(path, 'test', clock.nowMs());
  const assertToken = async (_: string, token: string): Promise<void> => {
    if (!token.startsWith('tok_')) throw new BursarError('invalid_value', 'no token');
  };
  const author = { actor: 'ops', host: 'here', command: 'test' };
  context = { book: await openBook(path), clock, author, assertToken };
});
afterEach(async () => {
  await context.book.close();
  await folder.remove();
});

const auditRows = (): Promise<Record<string, unknown>[]> => context.book.reader('audit_rows').orderBy('sequence');
const method = (customerId: string) => ({
  customerId,
  gateway: 'simulated',
  token: 'tok_approved',
  brand: null,
  last4: null,
});

async function charge(
  id: string,
  methodId: string,
  customerId: string,
  values: Record<string, unknown>,
): Promise<void> {
  await context.book.db('charges').insert({
    id,
    customer_id: customerId,
    method_id: methodId,
    gateway: 'simulated',
    currency: 'USD',
    amount_minor: 1250,
    intent: 'sale',
    due_at: 1000,
    policy: 'standard',
    metadata: '{}',
    object_id: 'bp_1',
    version: 1,
    event_version: 1,
    created_at: 1000,
    updated_at: 1000,
    ...values,
  });
}

test('the audit log keeps a name and an address only under the key of the customer', async () => {
  const customer = await createCustomer(context, { name: '  Ada Lovelace ', email: 'ada@example.com' });
  expect(customer).toMatchObject({ name: 'Ada Lovelace', email: 'ada@example.com', createdAt: clock.nowMs() });
  const [row] = await auditRows();
  expect(row).toMatchObject({
    action: 'customer.create',
    subject: customer.id,
    customer_id: customer.id,
    actor: 'ops',
  });
  expect(JSON.stringify(row)).not.toMatch(/Ada|example/);
  const key = (await personalKeys(context.book.reader, [customer.id])).get(customer.id) ?? '';
  const after = JSON.parse(String(row?.after));
  expect(decryptPersonal(key, after.name)).toBe('Ada Lovelace');
  expect(decryptPersonal(key, after.email)).toBe('ada@example.com');
});

test('what is wrong writes nothing at all', async () => {
  const customer = await createCustomer(context, { name: 'Ada', email: null });
  const refused = [
    createCustomer(context, { name: '', email: null }),
    createCustomer(context, { name: '4242 4242 4242 4242', email: null }),
    createCustomer(context, { name: 'Ada', email: 'nowhere' }),
    addMethod(context, { ...method(customer.id), token: 'wrong' }),
    addMethod(context, { ...method(customer.id), token: '4242424242424242' }),
    addMethod(context, { ...method(customer.id), last4: '42' }),
    addMethod(context, method('cus_nobody')),
  ];
  const codes = (await Promise.allSettled(refused)).map((result) =>
    result.status === 'rejected' ? result.reason.code : null,
  );
  expect(codes).toEqual([
    'invalid_value',
    'card_number',
    'invalid_value',
    'invalid_value',
    'card_number',
    'invalid_value',
    'not_found',
  ]);
  expect(await auditRows()).toHaveLength(1);
});

test('a method that replaces another takes over what waits, and leaves what is under way or over', async () => {
  const { id } = await createCustomer(context, { name: 'Ada', email: null });
  const old = await addMethod(context, method(id));
  const update = { status: 'failed', decline_class: 'update_method', retry_at: null, retry_rule: 'wait_for_method' };
  await charge('ch_waits', old.id, id, update);
  await charge('ch_authentication', old.id, id, { ...update, decline_class: 'authentication' });
  await charge('ch_soft', old.id, id, { status: 'failed', decline_class: 'soft', retry_at: 5000 });
  await charge('ch_new', old.id, id, { status: 'pending' });
  await charge('ch_unknown', old.id, id, { status: 'unknown' });
  await charge('ch_done', old.id, id, { status: 'captured', captured_minor: 1250 });
  await charge('ch_gone', old.id, id, { status: 'exhausted', decline_class: 'hard' });

  const { method: made, replaced } = await replaceMethod(context, { ...method(id), gateway: 'other' }, old.id);

  expect(replaced).toEqual({ methodId: old.id, schedules: 0, charges: 4 });
  const rows = await context.book.reader('charges').orderBy('id');
  const moved = { method_id: made.id, gateway: 'other', object_id: null, version: 2 };
  const stays = { method_id: old.id, gateway: 'simulated', object_id: 'bp_1', version: 1 };
  const due = { status: 'failed', retry_at: clock.nowMs(), retry_rule: 'method_replaced' };
  expect(rows).toMatchObject([
    { id: 'ch_authentication', ...moved, ...due },
    { id: 'ch_done', ...stays },
    { id: 'ch_gone', ...stays },
    { id: 'ch_new', ...moved, status: 'pending', retry_at: null },
    { id: 'ch_soft', ...moved, status: 'failed', retry_at: 5000 },
    { id: 'ch_unknown', ...stays },
    { id: 'ch_waits', ...moved, ...due },
  ]);
  const audit = await auditRows();
  expect(audit.filter(({ action }) => action === 'charge.method').map(({ subject }) => subject)).toEqual([
    'ch_authentication',
    'ch_new',
    'ch_soft',
    'ch_waits',
  ]);
  // The unknown one may still be found captured with the old method.
  await expect(removeMethod(context, old.id)).rejects.toMatchObject({ code: 'conflict' });
});

test('a method of another customer is not replaced, and none is added', async () => {
  const ada = await createCustomer(context, { name: 'Ada', email: null });
  const bob = await createCustomer(context, { name: 'Bob', email: null });
  const { id } = await addMethod(context, method(bob.id));
  await expect(replaceMethod(context, method(ada.id), id)).rejects.toMatchObject({ code: 'conflict' });
  expect(await context.book.reader('payment_methods')).toHaveLength(1);
});

test.each(['pending', 'processing', 'authorized', 'settling', 'requires_action', 'failed', 'unknown'])(
  'a method with a %s charge is not removed',
  async (status) => {
    const { id } = await createCustomer(context, { name: 'Ada', email: null });
    const { id: methodId } = await addMethod(context, method(id));
    await charge('ch_1', methodId, id, { status });
    if (status === 'processing') {
      await context.book.db('attempts').insert({
        ...{ id: 'att_1', charge_id: 'ch_1', number: 1, operation: 'sale', gateway: 'simulated', method_id: methodId },
        ...{ amount_minor: 1250, currency: 'USD', idempotency_key: 'k', body: '{}', api_version: '1', sends: 1 },
        ...{ unproven_sends: 1, first_sent_at: 1, last_sent_at: 1, epoch: 1, opened_at: 1 },
      });
    }
    await expect(removeMethod(context, methodId)).rejects.toMatchObject({ code: 'conflict' });
    expect((await context.book.reader('payment_methods'))[0].removed_at).toBeNull();
  },
);

test.each(['captured', 'exhausted', 'voided', 'expired', 'cancelled'])(
  'a %s charge holds no method back',
  async (status) => {
    const { id } = await createCustomer(context, { name: 'Ada', email: null });
    const { id: methodId } = await addMethod(context, method(id));
    await charge('ch_1', methodId, id, { status });
    expect(await removeMethod(context, methodId)).toMatchObject({ id: methodId, removedAt: clock.nowMs() });
    await expect(removeMethod(context, methodId)).rejects.toMatchObject({ code: 'not_found' });
  },
);

test('pausing and resuming are audited once each; a gateway stays held back while all are paused', async () => {
  expect(await pause(context, '*', 'incident')).toMatchObject({
    isNew: true,
    pause: { actor: 'ops', reason: 'incident' },
  });
  expect(await pause(context, '*', 'other')).toMatchObject({ isNew: false, pause: { reason: 'incident' } });
  expect(await pause(context, 'simulated', 'outage')).toMatchObject({ isNew: true });
  expect(await resume(context, 'simulated', 'back')).toMatchObject({
    lifted: { scope: 'simulated' },
    heldBy: { scope: '*' },
  });
  expect(await resume(context, 'simulated', 'again')).toMatchObject({ lifted: null });
  expect(await resume(context, '*', 'over')).toMatchObject({ lifted: { reason: 'incident' }, left: [], heldBy: null });
  expect(await pauses(context.book.reader)).toEqual([]);
  const told = (await auditRows()).map(({ action, subject, reason, gateway }) => [action, subject, reason, gateway]);
  expect(told).toEqual([
    ['pause', '*', 'incident', null],
    ['pause', 'simulated', 'outage', 'simulated'],
    ['resume', 'simulated', 'back', 'simulated'],
    ['resume', '*', 'over', null],
  ]);
});
