// A book with customers and methods, and a pipeline on it whose gateway is in memory: what is measured is bursar alone.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newPersonalKey } from '../src/audit/personal.ts';
import type { Charge } from '../src/charges/charge.ts';
import { newCharge } from '../src/charges/new-charge.ts';
import { Pipeline } from '../src/charges/pipeline.ts';
import { SendingGuard } from '../src/charges/sending-guard.ts';
import { systemClock } from '../src/clock.ts';
import { insertCustomers } from '../src/customers/customers-store.ts';
import { insertMethods } from '../src/customers/methods-store.ts';
import type { Gateway, GatewayRequest, Outcome } from '../src/gateways/gateway.ts';
import { newId } from '../src/ids.ts';
import { findPolicy } from '../src/retries/policy.ts';
import { chunks } from '../src/storage/batch.ts';
import { Owner } from '../src/storage/lease.ts';
import { type Book, createBook, openBook } from '../src/storage/open.ts';
import { writeTrx } from '../src/storage/trx.ts';

export interface Payer {
  customerId: string;
  methodId: string;
}

export interface BulkBook {
  path: string;
  book: Book;
  pipeline: Pipeline;
  payers: readonly Payer[];
  close(): Promise<void>;
}

const CUSTOMERS = 2_000;

/** `path`: a book that exists and has payers already. */
export async function bulkBook(existing?: { path: string; payers: readonly Payer[] }): Promise<BulkBook> {
  const folder = mkdtempSync(join(tmpdir(), 'bursar-bench-'));
  const path = existing?.path ?? join(folder, 'book.db');
  const clock = systemClock;
  if (existing === undefined) await createBook(path, 'test', clock.nowMs());
  const book = await openBook(path);
  const payers = existing?.payers ?? (await makePayers(book));
  const owner = new Owner(book, clock, 'bench');
  const author = { actor: 'bench', host: 'bench', command: 'bench bulk' };
  const gateway = memoryGateway();
  const pipeline = new Pipeline({
    book,
    clock,
    random: Math.random,
    author,
    owner,
    guard: new SendingGuard({ book, clock, author, stateFolder: () => join(folder, 'state') }),
    gateway: async () => gateway,
    policy: findPolicy,
    timezone: 'UTC',
  });
  return {
    path,
    book,
    pipeline,
    payers,
    close: async () => {
      await owner.release();
      await book.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function makePayers(book: Book): Promise<Payer[]> {
  const nowMs = systemClock.nowMs();
  const payers = Array.from({ length: CUSTOMERS }, () => ({
    customerId: newId('customer', nowMs),
    methodId: newId('method', nowMs),
  }));
  await writeTrx(book, async (trx) => {
    for (const some of chunks(payers)) {
      await insertCustomers(
        trx,
        some.map(({ customerId }) => ({
          id: customerId,
          name: 'Ada Lovelace',
          email: null,
          createdAt: nowMs,
          personalKey: newPersonalKey(),
        })),
      );
      const nothing = { brand: null, last4: null, removedAt: null, blockedAt: null, blockedCode: null };
      await insertMethods(
        trx,
        some.map(({ customerId, methodId }) => ({
          id: methodId,
          customerId,
          gateway: 'memory',
          token: 'tok',
          createdAt: nowMs,
          ...nothing,
        })),
      );
    }
  });
  return payers;
}

/** Answers at once. Every tenth charge is declined at its first attempt and approved at its second. */
function memoryGateway(): Gateway {
  const declined = new Set<string>();
  let count = 0;
  const answer = (request: GatewayRequest): Outcome => {
    count += 1;
    if (count % 10 === 0 && !declined.has(request.chargeId)) {
      declined.add(request.chargeId);
      return {
        kind: 'declined',
        decline: 'try_again_later',
        reference: null,
        providerCode: 'try_again_later',
        providerMessage: null,
      };
    }
    return { kind: 'approved', reference: `mem_${count}`, amountMinor: request.amountMinor, providerCode: null };
  };
  return {
    name: 'memory',
    capabilities: {
      paymentObject: 'charge',
      partialCapture: true,
      keyRetentionMs: 24 * 3_600_000,
      lookupLagMs: 0,
      absenceProof: 'cancel',
      currencies: null,
      minimumMinor: 1n,
      maxConcurrency: 1_000,
      maxPerSecond: null,
    },
    prepare: ({ amountMinor, currency, token, chargeId }) => ({
      body: JSON.stringify({ amount: amountMinor.toString(), currency, token }),
      apiVersion: 'memory/1',
      objectId: `pay_${chargeId}`,
    }),
    send: async (request) => answer(request),
    lookup: async () => ({ kind: 'absent' }),
    cancel: async () => ({ kind: 'unsupported' }),
    listRecent: () => ({ [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }) }),
    test: async () => 'in memory',
    close: async () => undefined,
  };
}

/** Creates and collects so many charges, `width` of them at a time. */
export async function chargeMany({ pipeline, payers }: BulkBook, count: number, width: number): Promise<void> {
  let begun = 0;
  const lane = async (): Promise<void> => {
    while (begun < count) {
      begun += 1;
      const opened = await pipeline.open({ kind: 'create', charge: chargeOf(anyOf(payers)), runId: null });
      if (opened.kind !== 'opened') throw new Error(`not opened: ${opened.kind}`);
      await pipeline.collect(opened.attempt);
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
}

/** A new charge of the payer, over a random amount. */
export function chargeOf(payer: Payer, dueAt: number = Date.now()): Charge {
  const nowMs = Date.now();
  return newCharge(
    {
      id: newId('charge', nowMs),
      ...payer,
      gateway: 'memory',
      amountMinor: BigInt(100 + Math.floor(Math.random() * 100_000)),
      currency: 'USD',
      intent: 'sale',
      policy: 'standard',
      description: null,
      metadata: {},
      idempotencyKey: null,
      scheduleId: null,
      period: null,
      timezone: null,
      dueAt,
    },
    nowMs,
  );
}

export function anyOf<T>(items: readonly T[]): T {
  const item = items[Math.floor(Math.random() * items.length)];
  if (item === undefined) throw new Error('there is none');
  return item;
}
