// What tells a book that was restored from an older copy, and a clock that can't be right.
import type { Knex } from 'knex';

const statements = [
  // Grows with every commit that opens attempts; the user's state directory keeps the highest that was sent under.
  'ALTER TABLE book ADD COLUMN open_sequence INTEGER NOT NULL DEFAULT 0',
  // The latest wall-clock time that a commit which opens attempts has recorded, epoch ms.
  'ALTER TABLE book ADD COLUMN latest_time INTEGER NOT NULL DEFAULT 0',
  // While set, nothing is sent.
  'ALTER TABLE book ADD COLUMN quarantined_at INTEGER',
  'ALTER TABLE book ADD COLUMN quarantine_reason TEXT',
  // Gateways whose own records have been adopted since the quarantine began.
  `CREATE TABLE quarantine_reconciled (
     gateway TEXT PRIMARY KEY,
     reconciled_at INTEGER NOT NULL
   ) STRICT`,
  // Gateways whose Date header was seen too far from our clock; offset_ms is theirs minus ours.
  `CREATE TABLE clock_faults (
     gateway TEXT PRIMARY KEY,
     offset_ms INTEGER NOT NULL,
     seen_at INTEGER NOT NULL
   ) STRICT`,
];

export async function up(db: Knex): Promise<void> {
  for (const statement of statements) await db.raw(statement);
}
