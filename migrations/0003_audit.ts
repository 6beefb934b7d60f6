// The audit log, its seals, and the outbox of events: facts, append-only.
import type { Knex } from 'knex';
import { appendOnly } from './append-only.ts';

const statements = [
  // at: epoch ms, the same as in the id's first 48 bits, so the index on id serves time ranges too.
  `CREATE TABLE audit_rows (
     sequence INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     at INTEGER NOT NULL,
     actor TEXT NOT NULL,
     host TEXT NOT NULL,
     command TEXT NOT NULL,
     subject TEXT NOT NULL,
     action TEXT NOT NULL,
     before TEXT,
     after TEXT,
     result TEXT NOT NULL,
     reason TEXT,
     customer_id TEXT,
     charge_id TEXT,
     gateway TEXT,
     status TEXT,
     currency TEXT,
     amount_minor INTEGER,
     hash TEXT NOT NULL
   ) STRICT`,
  `CREATE TABLE seals (
     sequence INTEGER PRIMARY KEY,
     previous_seal_hash TEXT NOT NULL UNIQUE,
     root TEXT NOT NULL,
     count INTEGER NOT NULL CHECK (count > 0),
     sealed_at INTEGER NOT NULL,
     seal_hash TEXT NOT NULL
   ) STRICT`,
  // Membership is a table of its own: with concurrent writers, rows are not committed in the order of their ids.
  `CREATE TABLE seal_members (
     audit_sequence INTEGER PRIMARY KEY REFERENCES audit_rows (sequence),
     seal_sequence INTEGER NOT NULL REFERENCES seals (sequence),
     leaf_index INTEGER NOT NULL,
     UNIQUE (seal_sequence, leaf_index)
   ) STRICT`,
  // Columns as in Debezium's outbox event router, plus a version per aggregate.
  // https://debezium.io/documentation/reference/stable/transformations/outbox-event-router.html
  `CREATE TABLE events (
     id TEXT PRIMARY KEY,
     aggregatetype TEXT NOT NULL,
     aggregateid TEXT NOT NULL,
     version INTEGER NOT NULL,
     type TEXT NOT NULL,
     payload TEXT NOT NULL,
     occurred_at INTEGER NOT NULL,
     UNIQUE (aggregateid, version)
   ) STRICT`,
  ...appendOnly('audit_rows'),
  ...appendOnly('seals'),
  ...appendOnly('seal_members'),
  ...appendOnly('events'),
];

export async function up(db: Knex): Promise<void> {
  for (const statement of statements) await db.raw(statement);
}
