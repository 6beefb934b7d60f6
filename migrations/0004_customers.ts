// Customers and their payment methods: tokens of a gateway, never card numbers.
import type { Knex } from 'knex';

const statements = [
  `CREATE TABLE customers (
     id TEXT PRIMARY KEY,
     name TEXT NOT NULL,
     email TEXT,
     created_at INTEGER NOT NULL
   ) STRICT`,
  // The key that encrypts a customer's personal fields in the audit log; destroying it is forgetting them.
  `CREATE TABLE customer_keys (
     customer_id TEXT PRIMARY KEY REFERENCES customers (id),
     key TEXT NOT NULL
   ) STRICT`,
  `CREATE TABLE payment_methods (
     id TEXT PRIMARY KEY,
     customer_id TEXT NOT NULL REFERENCES customers (id),
     gateway TEXT NOT NULL,
     token TEXT NOT NULL,
     brand TEXT,
     last4 TEXT,
     created_at INTEGER NOT NULL,
     removed_at INTEGER,
     blocked_at INTEGER,
     blocked_code TEXT
   ) STRICT`,
  'CREATE INDEX payment_methods_by_customer ON payment_methods (customer_id)',
];

export async function up(db: Knex): Promise<void> {
  for (const statement of statements) await db.raw(statement);
}
