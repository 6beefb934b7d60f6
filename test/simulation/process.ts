// A process in the simulation: book connections, an owner and a pipeline of its own over the real code. Each of its commits
// waits to be let on, and when it has crashed nothing of it moves any more.
import type { Knex } from 'knex';
import type { Author } from '../../src/audit/audit.ts';
import { Pipeline } from '../../src/charges/pipeline.ts';
import { SendingGuard } from '../../src/charges/sending-guard.ts';
import type { Clock, Random } from '../../src/clock.ts';
import type { Gateway } from '../../src/gateways/gateway.ts';
import { findPolicy } from '../../src/retries/policy.ts';
import { Owner } from '../../src/storage/lease.ts';
import { type Book, openBook } from '../../src/storage/open.ts';
import { never, type Sending } from './network.ts';
import type { Points } from './points.ts';

export interface ProcessPorts {
  path: string;
  /** Where all processes of a world keep the mark of what was sent. */
  stateFolder: string;
  points: Points;
  clock: Clock;
  random: Random;
  gateway(who: Process, name: string): Gateway;
  onCrash(who: Process, what: string): void;
}

const UNDECIDED: readonly string[] = ['commit_lost_undecided', 'commit_stands_undecided'];
const UNCONFIRMED: readonly string[] = ['commit_lost_unconfirmed', 'commit_stands_unconfirmed', ...UNDECIDED];

export class Process implements Sending {
  readonly name: string;
  readonly book: Book;
  readonly owner: Owner;
  readonly pipeline: Pipeline;
  readonly #ports: ProcessPorts;
  isDead = false;
  #waits = true;
  /** Whether the log could be emptied after a commit that was not confirmed. */
  #isLogStuck = false;

  private constructor(name: string, book: Book, ports: ProcessPorts) {
    const { points, clock, random } = ports;
    this.name = name;
    this.book = book;
    this.#ports = ports;
    watch(book.db, points);
    watch(book.reader, points);
    oneConnection(book.reader);
    this.#holdLogBack();
    this.#holdCommitsBack();
    this.owner = new Owner(
      book,
      {
        nowMs: () => clock.nowMs(),
        sleep: (durationMs) => this.#sleep(durationMs),
      },
      'simulation',
    );
    const author = { actor: name, host: 'here', command: 'simulation' };
    this.pipeline = new Pipeline({
      book,
      clock: { nowMs: () => clock.nowMs(), sleep: (durationMs) => this.#sleep(durationMs) },
      random,
      author,
      owner: this.owner,
      guard: guardOf(ports, book, author),
      gateway: async (gateway) => ports.gateway(this, gateway),
      policy: (policy) => findPolicy(policy),
      timezone: 'UTC',
    });
  }

  static async start(name: string, ports: ProcessPorts): Promise<Process> {
    return new Process(name, await openBook(ports.path), ports);
  }

  /** Nothing of this process happens any more, whatever it waits for. */
  async crash(what: string, random: Random): Promise<never> {
    this.end(random);
    this.#ports.onCrash(this, what);
    return never();
  }

  end(random: Random): void {
    this.isDead = true;
    this.#ports.points.drop(this, random);
    // Stops the timer that would renew its lease; the row that this also wants to delete stays, as the process is dead.
    void this.owner.release();
  }

  /** Something that the process does without being held back, while nothing else moves. */
  async atOnce<T>(work: () => Promise<T>): Promise<T> {
    this.#waits = false;
    try {
      return await work();
    } finally {
      this.#waits = true;
    }
  }

  async #sleep(durationMs: number): Promise<void> {
    await this.#ports.points.wait(this, 'sleep', `${this.name} sleep`);
    await this.#ports.clock.sleep(durationMs);
  }

  /** A commit that was not confirmed is decided by emptying the log, which needs that nobody reads from it. */
  #holdLogBack(): void {
    const { db } = this.book;
    const raw = db.raw.bind(db) as (...given: unknown[]) => unknown;
    const value = (...given: unknown[]): unknown => {
      if (!(this.#isLogStuck && String(given[0]).startsWith('PRAGMA wal_checkpoint'))) return raw(...given);
      this.#isLogStuck = false;
      return Promise.resolve([{ busy: 1, log: 1, checkpointed: 0 }]);
    };
    Object.defineProperty(db, 'raw', { value, configurable: true });
  }

  #holdCommitsBack(): void {
    const { db } = this.book;
    const transaction = db.transaction.bind(db) as <T>(work: (trx: Knex.Transaction) => Promise<T>) => Promise<T>;
    const { points } = this.#ports;
    // A writer has one connection: what asked for it first commits first.
    let last: Promise<unknown> = Promise.resolve();
    const inTurn = <T>(work: (trx: Knex.Transaction) => Promise<T>): Promise<T> => {
      const result = last.then(() => held(work));
      last = result.catch(() => undefined);
      return result;
    };
    const held = async <T>(work: (trx: Knex.Transaction) => Promise<T>): Promise<T> => {
      if (this.isDead) return never();
      const before = await points.wait(this, 'commit', `${this.name} commit`);
      if (before.what === 'crash_before_commit') return this.crash(before.what, before.random);
      const isLost = before.what === 'commit_lost_unconfirmed' || before.what === 'commit_lost_undecided';
      const unconfirmed = Object.assign(new Error('SQLITE_IOERR: disk I/O error'), { code: 'SQLITE_IOERR', errno: 10 });
      this.#isLogStuck = UNDECIDED.includes(before.what);
      const result = await transaction(async (trx) => {
        const done = await work(trx);
        if (isLost) throw unconfirmed;
        return done;
      });
      if (UNCONFIRMED.includes(before.what)) throw unconfirmed;
      const after = await points.wait(this, 'committed', `${this.name} committed`);
      return after.what === 'crash_after_commit' ? this.crash(after.what, after.random) : result;
    };
    const value = <T>(work: (trx: Knex.Transaction) => Promise<T>): Promise<T> =>
      this.#waits ? inTurn(work) : transaction(work);
    Object.defineProperty(db, 'transaction', { value, configurable: true });
  }
}

function guardOf({ points, clock, stateFolder }: ProcessPorts, book: Book, author: Author): SendingGuard {
  const guard = new SendingGuard({ book, clock, author, stateFolder: () => stateFolder });
  // The mark's files are work under way that no database connection shows.
  const { mark } = guard;
  for (const name of ['prepare', 'highest', 'keep'] as const) {
    const own = mark[name].bind(mark) as (...given: unknown[]) => Promise<unknown>;
    Object.assign(mark, { [name]: (...given: unknown[]) => points.during(own(...given)) });
  }
  return guard;
}

/** One query of it after the other, so that answers come in the order of the questions. */
export function oneConnection(db: Knex): void {
  (db.client as { pool: { max: number } }).pool.max = 1;
}

/** Counts the connections in use, so that it is known when the database has nothing left to do. */
function watch(db: Knex, points: Points): void {
  const client = db.client as {
    acquireConnection: () => Promise<unknown>;
    releaseConnection: (connection: unknown) => Promise<void>;
  };
  const acquire = client.acquireConnection.bind(client);
  const release = client.releaseConnection.bind(client);
  client.acquireConnection = async () => {
    points.begin();
    try {
      return await acquire();
    } catch (error) {
      points.end();
      throw error;
    }
  };
  client.releaseConnection = async (connection) => {
    await release(connection);
    points.end();
  };
}
