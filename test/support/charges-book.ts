// A book in a folder of its own with the pipeline and the real simulated bank, and a clock that tests move.
import { join } from 'node:path';
import { newPersonalKey } from '../../src/audit/personal.ts';
import type { Charge } from '../../src/charges/charge.ts';
import type { ChargesContext } from '../../src/charges/context.ts';
import { type CreateCharge, createCharge } from '../../src/charges/operations.ts';
import { Pipeline } from '../../src/charges/pipeline.ts';
import { SendingGuard } from '../../src/charges/sending-guard.ts';
import { insertCustomers } from '../../src/customers/customers-store.ts';
import { insertMethods } from '../../src/customers/methods-store.ts';
import type { Gateway, GatewayRecord } from '../../src/gateways/gateway.ts';
import { createSimulatedGateway } from '../../src/gateways/simulated/simulated-gateway.ts';
import { newId } from '../../src/ids.ts';
import { findPolicy } from '../../src/retries/policy.ts';
import { copyBook } from '../../src/storage/backup.ts';
import { Owner } from '../../src/storage/lease.ts';
import { type Book, createBook, openBook } from '../../src/storage/open.ts';
import { writeTrx } from '../../src/storage/trx.ts';
import { type ManualClock, manualClock } from '../gateways/manual-clock.ts';
import { temporaryFolder } from './cli.ts';

export interface ChargesBook {
  book: Book;
  clock: ManualClock;
  /** Where the mark of what was sent is kept. */
  stateFolder: string;
  pipeline: Pipeline;
  customerId: string;
  /** A new payment method with this token. */
  method(token: string): Promise<string>;
  /** Charges 12.50 USD, with whatever is given instead. */
  create(token: string, request?: Partial<CreateCharge>): Promise<{ charge: Charge; replayed: boolean }>;
  /** What `create` asks for, to be asked for again. */
  request(methodId: string, request?: Partial<CreateCharge>): CreateCharge;
  /** A second process on the same book. */
  another(): Pipeline;
  /** A copy of the book as it stands, with a pipeline of its own on the same bank and the same machine. */
  copy(): Promise<{ book: Book; pipeline: Pipeline }>;
  /** What the bank has executed. */
  executed(): Promise<GatewayRecord[]>;
  close(): Promise<void>;
}

/** `wrap` may change what the gateway answers. The bank is given up on after 1.5 s, so that a busy machine is no fault. */
export async function chargesBook(wrap: (gateway: Gateway) => Gateway = (gateway) => gateway): Promise<ChargesBook> {
  const folder = await temporaryFolder();
  const clock = manualClock();
  const path = join(folder.path, 'book.db');
  await createBook(path, 'test', clock.nowMs());
  const book = await openBook(path);
  const bank = createSimulatedGateway({
    name: 'simulated',
    path: join(folder.path, 'book.bank.db'),
    clock,
    config: { timeoutMs: 1_500 },
  });
  const gateway = wrap(bank);
  const owners: Owner[] = [];
  const stateFolder = join(folder.path, 'state');
  const books: Book[] = [book];
  const pipelineOn = (book: Book): Pipeline => {
    const owner = new Owner(book, clock, 'test');
    owners.push(owner);
    const author = { actor: 'tester', host: 'here', command: 'test' };
    const context: ChargesContext = {
      book,
      clock,
      random: () => 0.5,
      author,
      owner,
      guard: new SendingGuard({ book, clock, author, stateFolder: () => stateFolder }),
      gateway: async () => gateway,
      policy: (name) => findPolicy(name),
      timezone: 'UTC',
    };
    return new Pipeline(context);
  };
  const another = (): Pipeline => pipelineOn(book);
  const pipeline = another();
  const customerId = newId('customer', clock.nowMs());
  const customer = {
    id: customerId,
    name: 'Ada',
    email: null,
    createdAt: clock.nowMs(),
    personalKey: newPersonalKey(),
  };
  await writeTrx(book, (trx) => insertCustomers(trx, [customer]));

  const method: ChargesBook['method'] = async (token) => {
    const id = newId('method', clock.nowMs());
    const nothing = { brand: null, last4: null, removedAt: null, blockedAt: null, blockedCode: null };
    const row = { id, customerId, gateway: 'simulated', token, createdAt: clock.nowMs(), ...nothing };
    await writeTrx(book, (trx) => insertMethods(trx, [row]));
    return id;
  };
  const request: ChargesBook['request'] = (methodId, changes = {}) => ({
    customerId,
    methodId,
    gateway: 'simulated',
    amountMinor: 1250n,
    currency: 'USD',
    intent: 'sale',
    policy: 'none',
    description: null,
    metadata: {},
    idempotencyKey: null,
    ...changes,
  });
  return {
    book,
    clock,
    stateFolder,
    pipeline,
    customerId,
    method,
    request,
    another,
    create: async (token, changes) => createCharge(pipeline, request(await method(token), changes)),
    copy: async () => {
      const copied = join(folder.path, `copy-${books.length}.db`);
      await copyBook(path, copied, false, async () => undefined);
      const copy = await openBook(copied);
      books.push(copy);
      return { book: copy, pipeline: pipelineOn(copy) };
    },
    executed: async () => {
      const records: GatewayRecord[] = [];
      for await (const record of bank.listRecent(0)) records.push(record);
      return records;
    },
    close: async () => {
      for (const owner of owners) await owner.release();
      await bank.close();
      for (const each of books) await each.close();
      await folder.remove();
    },
  };
}
