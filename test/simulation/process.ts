// A process in the simulation: book connections, an owner and a pipeline of its own over the real code. Each of its commits
// waits to be let on, and when it has crashed nothing of it moves any more.
import type { Knex } from 'knex';
import { Pipeline } from '../../src/charges/pipeline.ts';
import type { Clock, Random } from '../../src/clock.ts';
import type { Gateway } from '../../src/gateways/gateway.ts';
import { findPolicy } from '../../src/retries/policy.ts';
import { Owner } from '../../src/storage/lease.ts';
import { type Book, openBook } from '../../src/storage/open.ts';
import { never, type Sending } from './network.ts';
import type { Points } from './points.ts';

export interface ProcessPorts {
  path: string;
  points: Points;
  clock: Clock;
  random: Random;
  gateway(who: Process, name: string): Gateway;
  onCrash(who: Process, what: string): void;
}

export class Process implements Sending {
  readonly name: string;
  readonly book: Book;
  readonly owner: Owner;
  readonly pipeline: Pipeline;
  readonly #ports: ProcessPorts;
  isDead = false;
  #waits = true;

  private constructor(name: string, book: Book, ports: ProcessPorts) {
    const { points, clock, random } = ports;
    this.name = name;
    this.book = book;
    this.#ports = ports;
    watch(book.db, points);
    watch(book.reader, points);
    oneConnection(book.reader);
    const { reconnect } = book;
    book.reconnect = () => points.during(reconnect());
    this.#holdCommitsBack();
    this.owner = new Owner(
      book,
      {
        nowMs: () => clock.nowMs(),
        sleep: (durationMs) => this.#sleep(durationMs),
      },
      'simulation',
    );
    this.pipeline = new Pipeline({
      book,
      clock: { nowMs: () => clock.nowMs(), sleep: (durationMs) => this.#sleep(durationMs) },
      random,
      author: { actor: name, host: 'here', command: 'simulation' },
      owner: this.owner,
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
      const isLost = before.what === 'commit_lost_unconfirmed';
      const unconfirmed = new Error('disk I/O error');
      const result = await transaction(async (trx) => {
        const done = await work(trx);
        if (isLost) throw unconfirmed;
        return done;
      });
      if (before.what === 'commit_stands_unconfirmed') throw unconfirmed;
      const after = await points.wait(this, 'committed', `${this.name} committed`);
      return after.what === 'crash_after_commit' ? this.crash(after.what, after.random) : result;
    };
    const value = <T>(work: (trx: Knex.Transaction) => Promise<T>): Promise<T> =>
      this.#waits ? inTurn(work) : transaction(work);
    Object.defineProperty(db, 'transaction', { value, configurable: true });
  }
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
