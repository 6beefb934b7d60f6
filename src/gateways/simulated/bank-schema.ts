// The tables of the bank's file. Its ids and keys begin with time, so its indexes grow at their end.

import type { Clock } from '../../clock.ts';
import { BursarError } from '../../errors.ts';
import type { Db } from '../../storage/db.ts';

const SCHEMA_VERSION = 2;
const WAL_TRIES = 100;
const WAL_PAUSE_MS = 20;

// What the bank can be made to do to everybody, while it is in use: `refuse_credentials` (every request answers 401).
const SWITCHES = 'create table switches (name text primary key) strict, without rowid';

const TABLES = [
  `create table payments (
    id text primary key,
    charge_id text not null,
    token text not null,
    currency text not null,
    status text not null check (status in
      ('open', 'requires_action', 'settling', 'authorized', 'captured', 'voided', 'cancelled')),
    intent text check (intent in ('sale', 'authorize')),
    amount_minor integer not null check (amount_minor >= 0),
    captured_minor integer not null check (captured_minor between 0 and amount_minor),
    refunded_minor integer not null check (refunded_minor between 0 and captured_minor),
    settles_at integer,
    operation_count integer not null
  ) strict, without rowid`,
  `create table operations (
    idempotency_key text primary key,
    payment_id text not null,
    attempt_id text not null,
    operation text not null,
    digest text not null,
    status text not null check (status in ('approved', 'declined', 'requires_action', 'settling')),
    reference text not null,
    amount_minor integer not null,
    currency text not null,
    decline text,
    recorded_at integer not null
  ) strict, without rowid`,
  'create index operations_of_payment on operations (payment_id)',
  // What the bank really did, in the order it was decided. No key is unique here: a double would be a second row.
  `create table executed (
    id integer primary key autoincrement,
    charge_id text not null,
    attempt_id text not null,
    operation text not null,
    amount_minor integer not null,
    currency text not null,
    reference text not null,
    executed_at integer not null,
    payment_id text not null,
    idempotency_key text not null
  ) strict`,
  // Second collections that the payment object refused: a correct caller never causes one.
  `create table refusals (
    id integer primary key autoincrement,
    code text not null,
    operation text not null,
    charge_id text not null,
    attempt_id text not null,
    payment_id text not null,
    idempotency_key text not null,
    refused_at integer not null
  ) strict`,
  `create table throttle (
    id integer primary key check (id = 1),
    tokens real not null,
    filled_at integer not null
  ) strict`,
  SWITCHES,
];

/** Puts the file into WAL, without fsync (it survives kills, not power loss), and makes its tables if it is new. */
export async function prepareBankFile(db: Db, path: string, clock: Clock): Promise<void> {
  if (path !== ':memory:') await enterWal(db, clock);
  await db.raw('pragma synchronous = off');
  if ((await schemaVersion(db)) < SCHEMA_VERSION) await bringUpToDate(db, path);
  const version = await schemaVersion(db);
  if (version === SCHEMA_VERSION) return;
  throw new BursarError(
    'gateway_unreachable',
    `The simulated bank at ${path} has schema ${version}, not ${SCHEMA_VERSION}.`,
    {
      hint: 'Use the version of bursar that made it, or move the file away to begin with an empty bank.',
    },
  );
}

/** Several processes may make the file at once: the change to WAL then answers SQLITE_BUSY without waiting. */
async function enterWal(db: Db, clock: Clock): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await db.raw('pragma journal_mode = wal');
      return;
    } catch (error) {
      if (!isBusy(error) || tries === WAL_TRIES) throw error;
      await clock.sleep(WAL_PAUSE_MS);
    }
  }
}

async function bringUpToDate(db: Db, path: string): Promise<void> {
  await db.raw('begin immediate');
  // Another process may have been first: it holds the lock until its tables are whole.
  const version = await schemaVersion(db);
  if (version === 0) await assertEmpty(db, path);
  if (version < SCHEMA_VERSION) {
    for (const table of version === 0 ? TABLES : [SWITCHES]) await db.raw(table);
    await db.raw(`pragma user_version = ${SCHEMA_VERSION}`);
  }
  await db.raw('commit');
}

/** A file that somebody names may be a book, or anything else of SQLite's. */
async function assertEmpty(db: Db, path: string): Promise<void> {
  if (((await db.raw('select 1 from sqlite_master limit 1')) as unknown[]).length === 0) return;
  throw new BursarError('gateway_unreachable', `${path} is a database, but not of a simulated bank.`, {
    hint: 'Name another file; one that does not exist yet becomes an empty bank.',
  });
}

async function schemaVersion(db: Db): Promise<number> {
  const [row] = (await db.raw('pragma user_version')) as { user_version: number }[];
  return row?.user_version ?? 0;
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'SQLITE_BUSY';
}
