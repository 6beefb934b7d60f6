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
  // The mark that the quarantine answers to: a higher one means that another copy of the book still sends.
  'ALTER TABLE book ADD COLUMN quarantine_mark INTEGER',
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
  // Openings are refused once a late approval stands; what a gateway reports as executed is a fact and is recorded.
  'DROP TRIGGER attempts_refuse_second_collection',
  `CREATE TRIGGER attempts_refuse_second_collection BEFORE INSERT ON attempts
   WHEN NEW.operation IN ('sale', 'authorize') AND NEW.outcome IS NULL
     AND EXISTS (SELECT 1 FROM attempts WHERE charge_id = NEW.charge_id AND late = 1 AND outcome = 'approved')
   BEGIN SELECT RAISE(ABORT, 'collected: this charge has an approved attempt'); END`,
];

export async function up(db: Knex): Promise<void> {
  for (const statement of statements) await db.raw(statement);
}
