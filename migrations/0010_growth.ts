// Indexes for books of millions of charges: lists that read no further than their page, and postings that are appended.
import type { Knex } from 'knex';

const statements = [
  // By amount, every posting went to a page of its own; by entry, an account pair's postings of a month are appended.
  'DROP INDEX postings_by_month',
  'CREATE INDEX postings_by_month ON postings (month, debit_account, credit_account, entry_id, line, amount_minor)',
  'CREATE INDEX journal_entries_by_time ON journal_entries (posted_at, id)',
  // Entries that no attempt of their charge has the id of, and what a reversal reverses: few in a book of any size.
  `CREATE INDEX journal_entries_uncaused ON journal_entries (charge_id) WHERE kind IN ('reversed', 'adopted')`,
  'CREATE INDEX journal_entries_reversing ON journal_entries (reverses_id) WHERE reverses_id IS NOT NULL',
  // The one index on charges that does not grow at its end: it costs a page for each customer of a batch (4,000 charges in a
  // book of 5 M write 11,100 pages to the log instead of 4,800), and without it a customer's list walks the whole book.
  'CREATE INDEX charges_by_customer ON charges (customer_id, created_at, id)',
  // What charges_unfinished leaves out, but for captured charges, which are nearly all, and processing ones, which open
  // attempts tell.
  `CREATE INDEX charges_uncollected ON charges (status, created_at, id)
     WHERE status IN ('pending', 'voided', 'expired', 'cancelled')`,
  `CREATE INDEX attempts_by_outcome ON attempts (outcome, id) WHERE outcome <> 'approved'`,
  'CREATE INDEX refunds_by_status ON refunds (status, id)',
  'CREATE INDEX schedules_by_customer ON schedules (customer_id, created_at, id)',
  'CREATE INDEX skipped_periods_by_schedule ON skipped_periods (schedule_id, period)',
];

export async function up(db: Knex): Promise<void> {
  for (const statement of statements) await db.raw(statement);
}
