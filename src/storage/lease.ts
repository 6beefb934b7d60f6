// Leases. A process that works on a book has one row in `owners`, renewed at a third of its 60 s; every attempt it holds
// names that row, so one renewal covers them all. Named leases (`planning`, `sealing`) point to an owner as well. Epochs
// only grow: whoever takes something over raises it, and what the old owner still wants to write or send fails.
import type { Knex } from 'knex';
import type { Clock } from '../clock.ts';
import { newId } from '../ids.ts';
import { select } from './batch.ts';
import type { Book } from './open.ts';
import { mayBeAlive, type ProcessIdentity, thisProcess } from './process-identity.ts';
import { writeTrx } from './trx.ts';

export const LEASE_MS = 60_000;

/** This process's standing in one book. */
export class Owner {
  readonly id: string;
  readonly #book: Book;
  readonly #clock: Clock;
  readonly #command: string;
  readonly #identity = thisProcess();
  #expiresAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(book: Book, clock: Clock, command: string) {
    this.#book = book;
    this.#clock = clock;
    this.#command = command;
    this.id = newId('owner', clock.nowMs());
  }

  /** Whether the lease still runs, by this process's own clock: false after a long stop. */
  get isCurrent(): boolean {
    return this.#clock.nowMs() < this.#expiresAt;
  }

  /** Takes the lease, durably, before anything is claimed under it; keeps it renewed until `release`. */
  async hold(): Promise<void> {
    if (this.#expiresAt - this.#clock.nowMs() > LEASE_MS / 2) return;
    await this.#take();
    this.#timer ??= setInterval(() => void this.#renew(), LEASE_MS / 3).unref();
  }

  async #take(): Promise<void> {
    const nowMs = this.#clock.nowMs();
    const { host, pidNamespace, pid, processStart } = this.#identity;
    const expiresAt = nowMs + LEASE_MS;
    await writeTrx(this.#book, async (trx) => {
      await trx.raw(
        `INSERT INTO owners (id, host, pid_namespace, pid, process_start, command, started_at, expires_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at`,
        [this.id, host, pidNamespace, pid, processStart, this.#command, nowMs, expiresAt],
      );
    });
    this.#expiresAt = expiresAt;
  }

  /** Takes the named lease unless a living owner has it. */
  async acquire(name: string): Promise<boolean> {
    await this.hold();
    return writeTrx(this.#book, async (trx) => {
      const nowMs = this.#clock.nowMs();
      const [current] = await select<{ owner_id: string | null }>(trx, 'SELECT owner_id FROM leases WHERE name = ?', [
        name,
      ]);
      if (current?.owner_id != null && current.owner_id !== this.id) {
        if (!(await goneOwners(trx, [current.owner_id], nowMs)).has(current.owner_id)) return false;
      }
      await trx.raw(
        `INSERT INTO leases (name, owner_id, epoch, expires_at) VALUES (?, ?, 1, ?)
         ON CONFLICT (name) DO UPDATE SET owner_id = excluded.owner_id, epoch = leases.epoch + 1, expires_at = excluded.expires_at`,
        [name, this.id, nowMs + LEASE_MS],
      );
      return true;
    });
  }

  async yield(name: string): Promise<void> {
    await writeTrx(this.#book, async (trx) => {
      await trx.raw('UPDATE leases SET owner_id = NULL WHERE name = ? AND owner_id = ?', [name, this.id]);
    });
  }

  /** Ends the lease: what this process still holds open may be taken over at once. */
  async release(): Promise<void> {
    if (this.#timer !== undefined) clearInterval(this.#timer);
    if (this.#expiresAt === 0) return;
    this.#expiresAt = 0;
    await writeTrx(this.#book, async (trx) => {
      await trx.raw('DELETE FROM owners WHERE id = ?', [this.id]);
    });
  }

  async #renew(): Promise<void> {
    // A renewal that can't be written leaves the lease to run out, and `isCurrent` stops every send by then.
    await this.#take().catch(() => undefined);
  }
}

interface OwnerRow {
  id: string;
  host: string;
  pid_namespace: string;
  pid: number;
  process_start: string;
  expires_at: number;
}

/** Which of these owners are gone: dead on this host, expired elsewhere, or no longer registered. */
export async function goneOwners(db: Knex, ids: readonly string[], nowMs: number): Promise<Set<string>> {
  const rows = await select<OwnerRow>(
    db,
    `SELECT id, host, pid_namespace, pid, process_start, expires_at FROM owners
      WHERE id IN (SELECT value FROM json_each(?))`,
    [JSON.stringify(ids)],
  );
  const self = thisProcess();
  const living = new Set(
    rows.filter((row) => row.expires_at > nowMs && mayBeAlive(toIdentity(row), self)).map(({ id }) => id),
  );
  return new Set(ids.filter((id) => !living.has(id)));
}

/** Who is at work on the book, as far as can be told from here. */
export async function livingOwners(db: Knex, nowMs: number): Promise<{ id: string; command: string; pid: number }[]> {
  const owners = await select<{ id: string; command: string; pid: number }>(db, 'SELECT id, command, pid FROM owners');
  const gone = await goneOwners(
    db,
    owners.map(({ id }) => id),
    nowMs,
  );
  return owners.filter(({ id }) => !gone.has(id));
}

const toIdentity = (row: OwnerRow): ProcessIdentity => ({
  host: row.host,
  pidNamespace: row.pid_namespace,
  pid: row.pid,
  processStart: row.process_start,
});
