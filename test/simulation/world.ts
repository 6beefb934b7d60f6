// One world of the simulation: a book on a fast disk, three banks, a network that loses things, a clock that commands move,
// and the processes that work on the book at once.
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newPersonalKey } from '../../src/audit/personal.ts';
import type { Random } from '../../src/clock.ts';
import { insertCustomers } from '../../src/customers/customers-store.ts';
import { insertMethods } from '../../src/customers/methods-store.ts';
import { BursarError } from '../../src/errors.ts';
import { newId } from '../../src/ids.ts';
import { copyBook } from '../../src/storage/backup.ts';
import { select } from '../../src/storage/batch.ts';
import { type Book, createBook, openBook } from '../../src/storage/open.ts';
import { writeTrx } from '../../src/storage/trx.ts';
import { type ManualClock, manualClock } from '../gateways/manual-clock.ts';
import { seeded } from '../support/seeded.ts';
import { type Bank, forgetfulBank, objectBank } from './banks.ts';
import { judgeSend } from './judge-send.ts';
import { Knowledge } from './knowledge.ts';
import { Network } from './network.ts';
import { Points } from './points.ts';
import { oneConnection, Process } from './process.ts';
import type { Statistics } from './statistics.ts';

const HOUR_MS = 3_600_000;
/** Of the simulated bank's methods, in turn: what each of them comes to is in its token. */
const OBJECT_TOKENS = [
  'tok_approved',
  'tok_flaky:0.4',
  'tok_approved',
  'tok_settling',
  'tok_insufficient_funds',
  'tok_approved',
  'tok_requires_action',
  'tok_flaky:0.4',
  'tok_lost_card',
  'tok_expired_card',
];
const METHODS_PER_BANK = 20;
export const GATEWAYS = ['keyed', 'listed', 'objects'] as const;

interface Operation {
  who: Process;
  what: string;
}

export interface Template {
  folder: string;
  path: string;
  customerId: string;
  remove(): Promise<void>;
}

/** The book that every world begins with: it is copied, since making one takes longer than most worlds last. */
export async function template(): Promise<Template> {
  const folder = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'bursar-simulation-'));
  const path = join(folder, 'template.db');
  const nowMs = manualClock().nowMs();
  await createBook(path, 'test', nowMs);
  const book = await openBook(path);
  const customerId = newId('customer', nowMs);
  const nothing = { brand: null, last4: null, removedAt: null, blockedAt: null, blockedCode: null };
  const methods = GATEWAYS.flatMap((gateway) =>
    Array.from({ length: METHODS_PER_BANK }, (_, index) => ({
      ...{ id: newId('method', nowMs), customerId, gateway, createdAt: nowMs, ...nothing },
      token: gateway === 'objects' ? (OBJECT_TOKENS[index % OBJECT_TOKENS.length] ?? '') : 'tok',
    })),
  );
  await writeTrx(book, async (trx) => {
    const customer = { id: customerId, name: 'Ada', email: null, createdAt: nowMs, personalKey: newPersonalKey() };
    await insertCustomers(trx, [customer]);
    await insertMethods(trx, methods);
  });
  await book.close();
  return { folder, path, customerId, remove: () => rm(folder, { recursive: true, force: true }) };
}

export class World {
  readonly points: Points;
  readonly clock: ManualClock;
  readonly banks: ReadonlyMap<string, Bank>;
  readonly network: Network;
  readonly customerId: string;
  readonly statistics: Statistics;
  /** What must never happen and did. */
  readonly violations: string[] = [];
  readonly knowledge = new Knowledge();
  #book: Book;
  #copies = 0;
  #copy: string | null = null;
  readonly #path: string;
  readonly #processes = new Map<number, Process>();
  readonly #gone: Process[] = [];
  readonly #operations = new Set<Operation>();
  readonly #random: Random;
  #started = 0;
  steps = 0;

  private constructor(
    path: string,
    book: Book,
    options: { customerId: string; statistics: Statistics; seed: number; clock: ManualClock; banks: Bank[] },
  ) {
    this.#path = path;
    this.#book = book;
    this.customerId = options.customerId;
    this.statistics = options.statistics;
    this.clock = options.clock;
    this.#random = seeded(options.seed);
    this.points = new Points(options.statistics);
    this.banks = new Map(options.banks.map((bank) => [bank.name, bank]));
    this.network = new Network({
      points: this.points,
      clock: this.clock,
      judge: (who, bank, request) => judgeSend(this, who as Process, bank, request),
      onThrottled: ({ attemptId }) => this.knowledge.cameToNothing(attemptId),
      onListed: ({ name }) => this.knowledge.unread.delete(name),
    });
  }

  static async begin(from: Template, seed: number, statistics: Statistics): Promise<World> {
    const path = join(from.folder, `book-${seed}-${statistics.of('worlds')}.db`);
    statistics.count('worlds');
    await copyFile(from.path, path);
    const clock = manualClock();
    const keyed = forgetfulBank({
      ...{ name: 'keyed', clock, statistics, keptMs: 24 * HOUR_MS, canLookUp: false },
      capabilities: { keyRetentionMs: 24 * HOUR_MS },
    });
    const listed = forgetfulBank({
      ...{ name: 'listed', clock, statistics, keptMs: HOUR_MS, canLookUp: true },
      // Publishes no retention, and keeps keys for no longer than all providers are known to.
      capabilities: { keyRetentionMs: null, lookupLagMs: 5 * 60_000 },
    });
    const banks = [keyed, listed, await objectBank('objects', clock, statistics)];
    const book = await openBook(path);
    oneConnection(book.reader);
    return new World(path, book, { customerId: from.customerId, statistics, seed, clock, banks });
  }

  /** The observer's own connections, which nothing holds back. */
  get book(): Book {
    return this.#book;
  }

  bank(name: string): Bank {
    const bank = this.banks.get(name);
    if (bank === undefined) throw new Error(`no bank ${name}`);
    return bank;
  }

  /** The living process in this place; a new one where the last has ended. */
  async process(place: number): Promise<Process> {
    const living = this.#processes.get(place);
    if (living !== undefined && !living.isDead) return living;
    this.#started += 1;
    const started = await Process.start(`P${this.#started}`, {
      path: this.#path,
      stateFolder: `${this.#path}.state`,
      points: this.points,
      clock: this.clock,
      random: this.#random,
      gateway: (who, name) => this.network.gatewayFor(who, this.bank(name)),
      onCrash: (who, what) => this.#onCrash(who, what),
    });
    this.#processes.set(place, started);
    return started;
  }

  get living(): Process[] {
    return [...this.#processes.values()].filter(({ isDead }) => !isDead);
  }

  isWorking(who: Process): boolean {
    return [...this.#operations].some((operation) => operation.who === who);
  }

  /** Begins something in a process; it goes on as far as its first point. */
  async begin(who: Process, what: string, work: () => Promise<unknown>): Promise<void> {
    const operation: Operation = { who, what };
    this.#operations.add(operation);
    this.points.trace.push(`${who.name} begins ${what}`);
    const word = what.split(' ', 1)[0];
    void work().then(
      () => {
        this.#operations.delete(operation);
        this.statistics.count(`done: ${word}`);
      },
      (error: unknown) => {
        this.#operations.delete(operation);
        this.#judgeError(what, error);
      },
    );
    await this.points.idle();
  }

  /** A refusal and a book that can't be told are answers; anything else is a bug. */
  #judgeError(what: string, error: unknown): void {
    const isOurs = error instanceof BursarError;
    const cause = isOurs && error.code === 'outcome_unrecorded' ? error.cause : null;
    if (!isOurs || (cause !== null && !(cause instanceof BursarError))) {
      const fault = cause ?? error;
      this.violations.push(
        `${what} failed: ${fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)}`,
      );
    } else this.statistics.count(`refused: ${error.code}`);
  }

  #onCrash(who: Process, what: string): void {
    this.statistics.count('crash');
    this.points.trace.push(`${who.name} crashes: ${what}`);
    this.#gone.push(who);
    for (const operation of [...this.#operations]) if (operation.who === who) this.#operations.delete(operation);
  }

  /** Others see at once that a process which was killed on their host is gone; of one elsewhere, when its lease is over. */
  async markKilled(who: Process): Promise<void> {
    await writeTrx(this.book, (trx) =>
      trx.raw(`UPDATE owners SET process_start = 'gone' WHERE id = ?`, [who.owner.id]),
    );
  }

  /** A backup of the book as it stands, whatever its processes are in the middle of. */
  async backUp(): Promise<void> {
    if (this.#copy !== null) await rm(this.#copy);
    this.#copies += 1;
    this.#copy = `${this.#path}.copy-${this.#copies}`;
    await copyBook(this.#path, this.#copy, false, async () => undefined);
    this.knowledge.copied();
    this.statistics.count('backed up');
  }

  /**
   * Every process ends, what they had on its way arrives or is lost, payments that wait at a bank are decided, and the
   * backup is put in the place of the book, as `cp` would. False where there is none.
   */
  async restore(random: Random): Promise<boolean> {
    if (this.#copy === null) return false;
    for (const who of this.living) void who.crash('ended for a restore', random);
    await this.points.all('late', 'arrive_late', random);
    for (const bank of this.banks.values()) bank.conclude();
    for (const who of this.#gone.splice(0)) await who.book.close();
    await this.#book.close();
    for (const suffix of ['-wal', '-shm']) await rm(`${this.#path}${suffix}`, { force: true });
    await copyFile(this.#copy, this.#path);
    this.#book = await openBook(this.#path);
    oneConnection(this.#book.reader);
    await writeTrx(this.#book, (trx) => trx.raw(`UPDATE owners SET process_start = 'gone'`));
    const rows = await this.rows<{ id: string; sends: number }>('SELECT id, sends FROM attempts');
    this.knowledge.putBack(new Map(rows.map(({ id, sends }) => [id, sends])), this.banks.keys());
    const isOlder = this.knowledge.unread.size > 0;
    this.statistics.count(isOlder ? 'restored an older book' : 'restored a book that knows all');
    return true;
  }

  /** The quarantine has ended: what the banks show from these times on is in the book. */
  async noteLifted(sinceMs: ReadonlyMap<string, number>): Promise<void> {
    const shown: string[] = [];
    for (const [name, since] of sinceMs) {
      for await (const { attemptId } of this.bank(name).gateway.listRecent(since)) shown.push(attemptId);
    }
    this.knowledge.lifted(shown);
    this.statistics.count('quarantine lifted');
  }

  rows<T>(sql: string, bindings: readonly (string | number)[] = []): Promise<T[]> {
    return select<T>(this.book.reader, sql, bindings);
  }

  async end(): Promise<void> {
    for (const who of [...this.living, ...this.#gone]) {
      if (!who.isDead) who.end(this.#random);
      await who.book.close();
    }
    for (const bank of this.banks.values()) await bank.close();
    await this.book.close();
    if (this.#copy !== null) await rm(this.#copy);
    for (const suffix of ['', '-wal', '-shm']) await rm(`${this.#path}${suffix}`, { force: true });
    await rm(`${this.#path}.state`, { recursive: true, force: true });
  }
}
