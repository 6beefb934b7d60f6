// The double-entry ledger: a posting names both of its accounts, so an unbalanced entry can't be written.
import type { Knex } from 'knex';
import { appendOnly } from './append-only.ts';

const statements = [
  `CREATE TABLE accounts (
     id INTEGER PRIMARY KEY,
     name TEXT NOT NULL,
     currency TEXT NOT NULL,
     normal_side TEXT NOT NULL CHECK (normal_side IN ('debit', 'credit')),
     UNIQUE (name, currency)
   ) STRICT`,
  // id is made from the attempt's id where an attempt caused the entry: the primary key refuses a second posting of it.
  `CREATE TABLE journal_entries (
     id TEXT PRIMARY KEY,
     kind TEXT NOT NULL,
     charge_id TEXT,
     attempt_id TEXT,
     reverses_id TEXT,
     reason TEXT,
     posted_at INTEGER NOT NULL
   ) STRICT`,
  // month: UTC, as 202702. It leads the index for balances, so that a big book writes to the same few pages.
  `CREATE TABLE postings (
     entry_id TEXT NOT NULL REFERENCES journal_entries (id),
     line INTEGER NOT NULL,
     month INTEGER NOT NULL,
     debit_account INTEGER NOT NULL REFERENCES accounts (id),
     credit_account INTEGER NOT NULL REFERENCES accounts (id),
     currency TEXT NOT NULL,
     amount_minor INTEGER NOT NULL CHECK (amount_minor > 0 AND amount_minor <= 1000000000000000),
     PRIMARY KEY (entry_id, line),
     CHECK (debit_account <> credit_account)
   ) STRICT, WITHOUT ROWID`,
  'CREATE INDEX postings_by_month ON postings (month, debit_account, credit_account, amount_minor)',
  // What an account held at the end of a closed month, so that a balance is a snapshot plus the open months' postings.
  `CREATE TABLE balance_snapshots (
     month INTEGER NOT NULL,
     account_id INTEGER NOT NULL REFERENCES accounts (id),
     debit_minor TEXT NOT NULL,
     credit_minor TEXT NOT NULL,
     PRIMARY KEY (month, account_id)
   ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE closed_months (
     month INTEGER PRIMARY KEY,
     posting_count INTEGER NOT NULL,
     closed_at INTEGER NOT NULL
   ) STRICT`,
  `CREATE TRIGGER postings_refuse_closed_months BEFORE INSERT ON postings
   WHEN NEW.month <= (SELECT MAX(month) FROM closed_months)
   BEGIN SELECT RAISE(ABORT, 'closed: the month of this posting is closed'); END`,
  `CREATE TRIGGER postings_keep_one_currency BEFORE INSERT ON postings
   WHEN EXISTS (SELECT 1 FROM accounts WHERE id IN (NEW.debit_account, NEW.credit_account) AND currency <> NEW.currency)
   BEGIN SELECT RAISE(ABORT, 'currency: a posting keeps to the currency of its accounts'); END`,
  ...appendOnly('journal_entries'),
  ...appendOnly('postings'),
  ...appendOnly('balance_snapshots'),
  ...appendOnly('closed_months'),
];

export async function up(db: Knex): Promise<void> {
  for (const statement of statements) await db.raw(statement);
}
