// Charges, their attempts and refunds, with the constraints that make the database itself refuse a double charge.
import type { Knex } from 'knex';

const statements = [
  `CREATE TABLE charges (
     id TEXT PRIMARY KEY,
     customer_id TEXT NOT NULL REFERENCES customers (id),
     method_id TEXT NOT NULL REFERENCES payment_methods (id),
     gateway TEXT NOT NULL,
     schedule_id TEXT,
     period TEXT,
     currency TEXT NOT NULL,
     amount_minor INTEGER NOT NULL CHECK (amount_minor > 0 AND amount_minor <= 1000000000000000),
     authorized_minor INTEGER NOT NULL DEFAULT 0,
     captured_minor INTEGER NOT NULL DEFAULT 0,
     refunded_minor INTEGER NOT NULL DEFAULT 0,
     refund_reserved_minor INTEGER NOT NULL DEFAULT 0,
     intent TEXT NOT NULL CHECK (intent IN ('sale', 'authorize')),
     status TEXT NOT NULL CHECK (status IN ('pending', 'processing', 'authorized', 'captured', 'settling',
       'requires_action', 'failed', 'exhausted', 'unknown', 'voided', 'expired', 'cancelled')),
     decline_code TEXT,
     decline_class TEXT,
     retry_rule TEXT,
     due_at INTEGER NOT NULL,
     retry_at INTEGER,
     policy TEXT NOT NULL,
     timezone TEXT,
     soft_declines INTEGER NOT NULL DEFAULT 0,
     transport_failures INTEGER NOT NULL DEFAULT 0,
     first_attempt_at INTEGER,
     attempt_count INTEGER NOT NULL DEFAULT 0,
     object_id TEXT,
     object_generation INTEGER NOT NULL DEFAULT 0,
     idempotency_key TEXT,
     request_hash TEXT,
     description TEXT,
     metadata TEXT NOT NULL,
     last_run_id TEXT,
     version INTEGER NOT NULL,
     event_version INTEGER NOT NULL,
     created_at INTEGER NOT NULL,
     updated_at INTEGER NOT NULL,
     CHECK (captured_minor <= amount_minor),
     CHECK (refund_reserved_minor >= 0 AND refunded_minor >= 0),
     CHECK ((schedule_id IS NULL) = (period IS NULL))
   ) STRICT`,
  // No refund beyond what was captured: refused when its amount is reserved, at open. A refund that turns out to have been
  // executed all the same is a fact and must be recorded.
  `CREATE TRIGGER charges_refuse_over_refund BEFORE UPDATE OF refund_reserved_minor ON charges
   WHEN NEW.refund_reserved_minor > OLD.refund_reserved_minor
     AND NEW.refunded_minor + NEW.refund_reserved_minor > NEW.captured_minor
   BEGIN SELECT RAISE(ABORT, 'refund: more than was captured'); END`,
  'CREATE UNIQUE INDEX charges_idempotency_key ON charges (idempotency_key) WHERE idempotency_key IS NOT NULL',
  // One charge per period, whatever cron does. The period leads, so that the index grows at its end.
  'CREATE UNIQUE INDEX charges_period ON charges (period, schedule_id) WHERE schedule_id IS NOT NULL',
  'CREATE INDEX charges_by_creation ON charges (created_at, id)',
  `CREATE INDEX charges_due ON charges (due_at, id) WHERE status = 'pending'`,
  `CREATE INDEX charges_retry ON charges (retry_at, id) WHERE status = 'failed' AND retry_at IS NOT NULL`,
  // What waits for someone or something; captured and voided charges, the bulk of a big book, are not in it.
  `CREATE INDEX charges_unfinished ON charges (status, created_at, id)
     WHERE status IN ('authorized', 'settling', 'requires_action', 'failed', 'exhausted', 'unknown')`,

  `CREATE TABLE attempts (
     id TEXT PRIMARY KEY,
     charge_id TEXT NOT NULL REFERENCES charges (id),
     number INTEGER NOT NULL,
     operation TEXT NOT NULL CHECK (operation IN ('sale', 'authorize', 'capture', 'void', 'refund')),
     gateway TEXT NOT NULL,
     method_id TEXT NOT NULL,
     amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
     currency TEXT NOT NULL,
     refund_id TEXT,
     idempotency_key TEXT NOT NULL,
     body TEXT NOT NULL,
     api_version TEXT NOT NULL,
     object_id TEXT,
     outcome TEXT CHECK (outcome IN ('approved', 'declined', 'rejected', 'requires_action', 'settling', 'unknown',
       'duplicate')),
     late INTEGER NOT NULL DEFAULT 0 CHECK (late IN (0, 1)),
     reference TEXT,
     provider_code TEXT,
     provider_message TEXT,
     decline_code TEXT,
     decline_class TEXT,
     sends INTEGER NOT NULL,
     unproven_sends INTEGER NOT NULL,
     first_sent_at INTEGER NOT NULL,
     last_sent_at INTEGER NOT NULL,
     owner_id TEXT,
     epoch INTEGER NOT NULL,
     run_id TEXT,
     opened_at INTEGER NOT NULL,
     settled_at INTEGER,
     UNIQUE (charge_id, number)
   ) STRICT`,
  // At most one open attempt per charge.
  `CREATE UNIQUE INDEX attempts_open ON attempts (charge_id)
     WHERE outcome IS NULL OR outcome IN ('unknown', 'settling', 'requires_action')`,
  // No sale or authorize while another one of the charge may have succeeded. A late approval (late = 1) is a fact that
  // is recorded, not an opening, so it must not be refused here.
  `CREATE UNIQUE INDEX attempts_collect ON attempts (charge_id)
     WHERE operation IN ('sale', 'authorize') AND late = 0
       AND (outcome IS NULL OR outcome NOT IN ('declined', 'rejected', 'duplicate'))`,
  // The same for openings after a late approval, which the index leaves out.
  `CREATE TRIGGER attempts_refuse_second_collection BEFORE INSERT ON attempts
   WHEN NEW.operation IN ('sale', 'authorize')
     AND EXISTS (SELECT 1 FROM attempts WHERE charge_id = NEW.charge_id AND late = 1 AND outcome = 'approved')
   BEGIN SELECT RAISE(ABORT, 'collected: this charge has an approved attempt'); END`,

  `CREATE TABLE refunds (
     id TEXT PRIMARY KEY,
     charge_id TEXT NOT NULL REFERENCES charges (id),
     attempt_id TEXT,
     amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
     currency TEXT NOT NULL,
     status TEXT NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
     reason TEXT,
     idempotency_key TEXT,
     request_hash TEXT,
     created_at INTEGER NOT NULL,
     updated_at INTEGER NOT NULL
   ) STRICT`,
  'CREATE UNIQUE INDEX refunds_idempotency_key ON refunds (idempotency_key) WHERE idempotency_key IS NOT NULL',
  'CREATE INDEX refunds_by_charge ON refunds (charge_id)',
];

export async function up(db: Knex): Promise<void> {
  for (const statement of statements) await db.raw(statement);
}
