// What was tried to prove an attempt whose outcome nobody knows, and refunds that give back a second approval.
import type { Knex } from 'knex';

const statements = [
  // Lookups, resends and closings count as tries; proof_result is what the last of them came to, in a word of ours.
  'ALTER TABLE attempts ADD COLUMN proof_tries INTEGER NOT NULL DEFAULT 0',
  'ALTER TABLE attempts ADD COLUMN proof_tried_at INTEGER',
  'ALTER TABLE attempts ADD COLUMN proof_result TEXT',
  // Not before this time is a further try worth making: the bound of a provider's lag, or null for the next run.
  'ALTER TABLE attempts ADD COLUMN proof_next_at INTEGER',
  // Second approvals are rare, and must be found in a book of any size.
  `CREATE INDEX attempts_duplicate ON attempts (charge_id) WHERE outcome = 'duplicate'`,
  // Those that a provider may still report failed are asked about while they are young.
  `CREATE INDEX refunds_succeeded ON refunds (updated_at) WHERE status = 'succeeded'`,
  // The duplicate approval that a refund gives back; it stays out of the charge's own refunded amount.
  'ALTER TABLE refunds ADD COLUMN duplicate_attempt_id TEXT REFERENCES attempts (id)',
  'CREATE INDEX refunds_of_duplicate ON refunds (duplicate_attempt_id) WHERE duplicate_attempt_id IS NOT NULL',
  // A duplicate is given back once. Refused at open and not by a unique index: that a refund which was thought to have
  // failed was made after all is a fact, and must be recorded.
  `CREATE TRIGGER refunds_refuse_second_of_duplicate BEFORE INSERT ON refunds
   WHEN NEW.duplicate_attempt_id IS NOT NULL AND EXISTS (SELECT 1 FROM refunds
     WHERE duplicate_attempt_id = NEW.duplicate_attempt_id AND status <> 'failed')
   BEGIN SELECT RAISE(ABORT, 'refund: this duplicate is given back already'); END`,
];

export async function up(db: Knex): Promise<void> {
  for (const statement of statements) await db.raw(statement);
}
