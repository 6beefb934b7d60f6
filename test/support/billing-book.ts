// A book full of due schedules, one payment method per kind of token, written through the stores in a moment.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newPersonalKey } from '../../src/audit/personal.ts';
import type { PaymentMethod } from '../../src/customers/customer.ts';
import { insertCustomers } from '../../src/customers/customers-store.ts';
import { insertMethods } from '../../src/customers/methods-store.ts';
import { newId } from '../../src/ids.ts';
import { occurrence, type Recurrence } from '../../src/schedules/recurrence.ts';
import type { Schedule } from '../../src/schedules/schedule.ts';
import { insertSchedules } from '../../src/schedules/schedules-store.ts';
import { chunks } from '../../src/storage/batch.ts';
import { createBook, openBook } from '../../src/storage/open.ts';
import { writeTrx } from '../../src/storage/trx.ts';

export const EVERY_TOKEN = [
  'tok_approved',
  'tok_insufficient_funds',
  'tok_do_not_honor',
  'tok_expired_card',
  'tok_lost_card',
  'tok_requires_action',
  'tok_settling',
  'tok_timeout_before',
  'tok_timeout_after_charging',
  'tok_reset',
  'tok_garbage',
  'tok_500_after_charging',
  'tok_flaky:0.3',
  'tok_slow:50ms',
] as const;

const QUICK_POLICY = { soft: ['1 hour'], transport: { baseMs: 1, capMs: 2, maxAttempts: 2 } };

export interface BillingBook {
  folder: string;
  path: string;
  bankPath: string;
  /** When every period is due. */
  asOf: string;
  periods: number;
  customerId: string;
  /** One per token, unless more are asked for; all belong to the customer. */
  methods: readonly { id: string; token: string }[];
  /** When `days` periods of each schedule are due. */
  dueAfter(days: number): string;
}

export interface BillingBookOptions {
  /** Settings of the simulated gateway. */
  gateway?: Record<string, number | string>;
  /** The tokens that the schedules take turns with. */
  tokens?: readonly string[];
  /** Retry policy `standard`. */
  policy?: Record<string, unknown>;
  /** How often each token has a payment method, so that a big book's schedules are spread over many. */
  methodsPerToken?: number;
}

/**
 * Makes `folder/book.db` with `schedules` daily schedules of two due periods each, over these tokens, and a config that
 * retries quickly and gives up soon, so that a handful of runs comes to an end.
 */
export async function makeBillingBook(
  folder: string,
  schedules: number,
  { gateway = {}, tokens = EVERY_TOKEN, policy = QUICK_POLICY, methodsPerToken = 1 }: BillingBookOptions = {},
): Promise<BillingBook> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'book.db');
  const nowMs = Date.now();
  await createBook(path, 'test', nowMs);
  const config = {
    books: { main: { url: './book.db' } },
    gateways: { simulated: { type: 'simulated', timeoutMs: 250, latencyMs: 15, ...gateway } },
    policies: { standard: policy },
    timezone: 'UTC',
  };
  await writeFile(join(folder, 'bursar.config.json'), JSON.stringify(config), { mode: 0o600 });
  const customerId = newId('customer', nowMs);
  const methods = Array.from({ length: methodsPerToken }, () => tokens)
    .flat()
    .map(
      (token): PaymentMethod => ({
        id: newId('method', nowMs),
        customerId,
        gateway: 'simulated',
        token,
        brand: null,
        last4: null,
        createdAt: nowMs,
        removedAt: null,
        blockedAt: null,
        blockedCode: null,
      }),
    );
  const start = new Date(nowMs).toISOString().slice(0, 10);
  const recurrence: Recurrence = {
    every: { count: 1, unit: 'day' },
    on: null,
    time: '09:00',
    start,
    at: null,
    timezone: 'America/New_York',
  };
  const next = occurrence(recurrence, 0);
  const rows = Array.from({ length: schedules }, (_, index): Schedule => {
    const method = methods[index % methods.length];
    if (method === undefined) throw new Error('no method');
    return {
      id: newId('schedule', nowMs),
      customerId,
      methodId: method.id,
      amountMinor: 1000n + BigInt(index),
      currency: 'USD',
      recurrence,
      policy: 'standard',
      status: 'active',
      description: null,
      metadata: {},
      idempotencyKey: null,
      requestHash: null,
      paidThrough: null,
      next,
      version: 1,
      createdAt: nowMs,
      updatedAt: nowMs,
    };
  });
  const book = await openBook(path);
  await writeTrx(book, async (trx) => {
    await insertCustomers(trx, [
      { id: customerId, name: 'Ada Lovelace', email: null, createdAt: nowMs, personalKey: newPersonalKey() },
    ]);
    for (const chunk of chunks(methods)) await insertMethods(trx, chunk);
    for (const chunk of chunks(rows)) await insertSchedules(trx, chunk);
  });
  await book.close();
  const dueAfter = (days: number): string => {
    const last = occurrence(recurrence, days - 1);
    if (last === null) throw new Error(`no period ${days}`);
    return new Date(last.dueAtMs + 3_600_000 * 3).toISOString();
  };
  return {
    folder,
    path,
    bankPath: join(folder, 'book.bank.db'),
    asOf: dueAfter(2),
    periods: schedules * 2,
    customerId,
    methods: methods.map(({ id, token }) => ({ id, token })),
    dueAfter,
  };
}
