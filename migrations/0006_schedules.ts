// Schedules, and the periods that a run passed over. A period that was billed is a charge.
import type { Knex } from 'knex';
import { appendOnly } from './append-only.ts';

const statements = [
  `CREATE TABLE schedules (
     id TEXT PRIMARY KEY,
     customer_id TEXT NOT NULL REFERENCES customers (id),
     method_id TEXT NOT NULL REFERENCES payment_methods (id),
     amount_minor INTEGER NOT NULL CHECK (amount_minor > 0 AND amount_minor <= 1000000000000000),
     currency TEXT NOT NULL,
     every_count INTEGER,
     every_unit TEXT CHECK (every_unit IN ('day', 'week', 'month', 'year')),
     on_rule TEXT,
     time_of_day TEXT NOT NULL,
     start_date TEXT NOT NULL,
     at_local TEXT,
     timezone TEXT NOT NULL,
     policy TEXT NOT NULL,
     status TEXT NOT NULL CHECK (status IN ('active', 'paused', 'cancelled', 'completed')),
     description TEXT,
     metadata TEXT NOT NULL,
     idempotency_key TEXT,
     request_hash TEXT,
     next_index INTEGER,
     next_period TEXT,
     next_due_at INTEGER,
     version INTEGER NOT NULL,
     created_at INTEGER NOT NULL,
     updated_at INTEGER NOT NULL,
     CHECK ((every_count IS NULL) = (every_unit IS NULL)),
     CHECK ((every_unit IS NULL) <> (at_local IS NULL))
   ) STRICT`,
  'CREATE UNIQUE INDEX schedules_idempotency_key ON schedules (idempotency_key) WHERE idempotency_key IS NOT NULL',
  'CREATE INDEX schedules_by_creation ON schedules (created_at, id)',
  `CREATE INDEX schedules_due ON schedules (next_due_at, id) WHERE status = 'active' AND next_due_at IS NOT NULL`,
  `CREATE TABLE skipped_periods (
     period TEXT NOT NULL,
     schedule_id TEXT NOT NULL REFERENCES schedules (id),
     due_at INTEGER NOT NULL,
     reason TEXT NOT NULL,
     run_id TEXT,
     recorded_at INTEGER NOT NULL,
     PRIMARY KEY (period, schedule_id)
   ) STRICT, WITHOUT ROWID`,
  ...appendOnly('skipped_periods'),
];

export async function up(db: Knex): Promise<void> {
  for (const statement of statements) await db.raw(statement);
}
