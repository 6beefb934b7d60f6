// Two processes on one book, in the test's own: each has connections, an owner and a pipeline of its own; they share the
// file, the clock and the bank.
import { join } from 'node:path';
import { newPersonalKey } from '../../src/audit/personal.ts';
import { executeRun } from '../../src/billing/execute-run.ts';
import type { RunResult } from '../../src/billing/preview-run.ts';
import type { Attempt } from '../../src/charges/attempt.ts';
import { attemptsOfCharges } from '../../src/charges/attempts-store.ts';
import type { Charge } from '../../src/charges/charge.ts';
import { chargesById } from '../../src/charges/charges-store.ts';
import { type ChargeFacts, newCharge, writePendingCharges } from '../../src/charges/new-charge.ts';
import { Pipeline } from '../../src/charges/pipeline.ts';
import { SendingGuard } from '../../src/charges/sending-guard.ts';
import { insertCustomers } from '../../src/customers/customers-store.ts';
import { insertMethods } from '../../src/customers/methods-store.ts';
import { BursarError } from '../../src/errors.ts';
import { newId } from '../../src/ids.ts';
import { balances } from '../../src/ledger/balances.ts';
import { findPolicy } from '../../src/retries/policy.ts';
import { Owner } from '../../src/storage/lease.ts';
import { type Book, createBook, openBook } from '../../src/storage/open.ts';
import { writeTrx } from '../../src/storage/trx.ts';
import { type ManualClock, manualClock } from '../gateways/manual-clock.ts';
import { temporaryFolder } from './cli.ts';
import type { KeyedBank } from './keyed-bank.ts';

export interface Process {
  book: Book;
  owner: Owner;
  pipeline: Pipeline;
  /** As if it had been killed: its owner row is gone, while what it had under way may still arrive. */
  die(): Promise<void>;
  /** Claims a due charge, or fails the test. */
  open(chargeId: string, runId?: string | null): Promise<Attempt>;
  run(asOfMs: number): Promise<RunResult>;
}

export interface TwoProcesses {
  clock: ManualClock;
  a: Process;
  b: Process;
  /** Policies that the config no longer has. */
  missing: Set<string>;
  /** A due charge of 12.50 USD that nobody has tried. */
  due(changes?: Partial<ChargeFacts>): Promise<Charge>;
  charge(id: string): Promise<Charge>;
  attempts(chargeId: string): Promise<Attempt[]>;
  ledger(): Promise<Record<string, bigint>>;
  close(): Promise<void>;
}

export async function twoProcesses(bank: KeyedBank): Promise<TwoProcesses> {
  const folder = await temporaryFolder();
  const clock = manualClock();
  const path = join(folder.path, 'book.db');
  await createBook(path, 'test', clock.nowMs());
  const missing = new Set<string>();
  const a = await start();
  const b = await start();
  const { reader } = b.book;
  const nowMs = clock.nowMs();
  const customerId = newId('customer', nowMs);
  const methodId = newId('method', nowMs);
  const method = { brand: null, last4: null, createdAt: nowMs, removedAt: null, blockedAt: null, blockedCode: null };
  await writeTrx(a.book, async (trx) => {
    const customer = { id: customerId, name: 'Ada', email: null, createdAt: nowMs, personalKey: newPersonalKey() };
    await insertCustomers(trx, [customer]);
    await insertMethods(trx, [{ ...method, id: methodId, customerId, gateway: 'keyed', token: 'tok' }]);
  });
  return {
    clock,
    a,
    b,
    missing,
    due: async (changes = {}) => {
      const facts: ChargeFacts = {
        id: newId('charge', clock.nowMs()),
        customerId,
        methodId,
        gateway: 'keyed',
        amountMinor: 1250n,
        currency: 'USD',
        intent: 'sale',
        policy: 'standard',
        description: null,
        metadata: {},
        idempotencyKey: null,
        scheduleId: null,
        period: null,
        timezone: null,
        dueAt: clock.nowMs(),
        ...changes,
      };
      const charge = newCharge(facts, clock.nowMs());
      await writeTrx(a.book, (trx) => writePendingCharges(trx, a.pipeline.context, [charge]));
      return charge;
    },
    charge: async (id) => {
      const charge = (await chargesById(reader, [id])).get(id);
      if (charge === undefined) throw new Error(`no charge ${id}`);
      return charge;
    },
    attempts: async (chargeId) => (await attemptsOfCharges(reader, [chargeId])).get(chargeId) ?? [],
    ledger: async () =>
      Object.fromEntries((await balances(reader)).map(({ account, balanceMinor }) => [account, balanceMinor])),
    close: async () => {
      for (const { owner, book } of [a, b]) {
        await owner.release();
        await book.close();
      }
      await folder.remove();
    },
  };

  async function start(): Promise<Process> {
    const book = await openBook(path);
    const owner = new Owner(book, clock, 'test');
    const author = { actor: 'tester', host: 'here', command: 'test' };
    const stateFolder = join(folder.path, 'state');
    const pipeline = new Pipeline({
      book,
      clock,
      random: () => 0.5,
      author,
      owner,
      guard: new SendingGuard({ book, clock, author, stateFolder: () => stateFolder }),
      gateway: async (name) => {
        if (bank.isConfigured) return bank.gateway;
        throw new BursarError('unknown_gateway', `No gateway "${name}" is configured. Nothing was done.`);
      },
      policy: (name) => {
        if (missing.has(name)) throw new BursarError('invalid_value', `There is no retry policy "${name}".`);
        return findPolicy(name === 'none' ? 'none' : 'standard');
      },
      timezone: 'UTC',
    });
    return {
      book,
      owner,
      pipeline,
      die: async () => {
        await writeTrx(book, (trx) => trx.raw('DELETE FROM owners WHERE id = ?', [owner.id]));
      },
      open: async (chargeId, runId = null) => {
        const asOfMs = Number.MAX_SAFE_INTEGER;
        const opened = await pipeline.open({ kind: 'collect', chargeId, asOfMs, runId });
        if (opened.kind !== 'opened') throw new Error(`not opened: ${opened.kind}`);
        return opened.attempt;
      },
      run: (asOfMs) =>
        executeRun(pipeline, {
          kind: 'billing',
          asOfMs,
          catchUp: { mode: 'all' },
          limits: { maxCount: null, maxAmount: new Map() },
          concurrency: 8,
          signal: new AbortController().signal,
          approve: async () => undefined,
          onStart: async () => undefined,
          onProgress: () => undefined,
        }),
    };
  }
}
