// The book itself, the processes that work on it, their leases, the kill switch, and the runs.
import type { Knex } from 'knex';

const statements = [
  `CREATE TABLE book (
     only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
     book_id TEXT NOT NULL,
     mode TEXT NOT NULL CHECK (mode IN ('test', 'live')),
     schema_version INTEGER NOT NULL,
     created_at INTEGER NOT NULL
   ) STRICT`,
  // A process that works on the book. Its lease covers every attempt that it holds, so that renewing is one row.
  `CREATE TABLE owners (
     id TEXT PRIMARY KEY,
     host TEXT NOT NULL,
     pid_namespace TEXT NOT NULL,
     pid INTEGER NOT NULL,
     process_start TEXT NOT NULL,
     command TEXT NOT NULL,
     started_at INTEGER NOT NULL,
     expires_at INTEGER NOT NULL
   ) STRICT`,
  `CREATE TABLE leases (
     name TEXT PRIMARY KEY,
     owner_id TEXT,
     epoch INTEGER NOT NULL,
     expires_at INTEGER NOT NULL
   ) STRICT`,
  // scope: a gateway's name, or '*' for all of them.
  `CREATE TABLE pauses (
     scope TEXT PRIMARY KEY,
     reason TEXT NOT NULL,
     actor TEXT NOT NULL,
     since INTEGER NOT NULL
   ) STRICT`,
  `CREATE TABLE runs (
     id TEXT PRIMARY KEY,
     kind TEXT NOT NULL CHECK (kind IN ('billing', 'retries')),
     status TEXT NOT NULL CHECK (status IN ('running', 'finished', 'stopped', 'interrupted')),
     as_of INTEGER NOT NULL,
     started_at INTEGER NOT NULL,
     finished_at INTEGER,
     stopped_by TEXT,
     counts TEXT NOT NULL,
     totals TEXT NOT NULL,
     actor TEXT NOT NULL,
     owner_id TEXT NOT NULL
   ) STRICT`,
];

export async function up(db: Knex): Promise<void> {
  for (const statement of statements) await db.raw(statement);
}
