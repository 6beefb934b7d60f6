// A book as an older bursar made it: only its first migrations, with rows in every table they made.
import type { Knex } from 'knex';
import { type Migration, migrations } from '../../migrations/index.ts';
import { openSqlite } from '../../src/storage/dialect.ts';

const HASH = 'ab'.repeat(32);

/** Rows that a book may hold after each migration, in the columns that this migration made. */
const ROWS: Record<string, readonly string[]> = {
  '0001_book': [
    `INSERT INTO owners VALUES ('own_1', 'host', 'pid:1', 42, '99', 'charges create', 1000, 61000)`,
    `INSERT INTO leases VALUES ('planning', 'own_1', 3, 61000)`,
    `INSERT INTO pauses VALUES ('simulated', 'outage', 'ops', 1000)`,
    `INSERT INTO runs VALUES ('run_1', 'billing', 'finished', 1000, 1000, 2000, NULL, '{}', '[]', 'ops', 'own_1')`,
  ],
  '0002_ledger': [
    `INSERT INTO accounts VALUES (1, 'assets:gateway:simulated', 'USD', 'debit'), (2, 'revenue:sales', 'USD', 'credit')`,
    `INSERT INTO journal_entries VALUES ('je_1', 'captured', 'ch_1', 'att_1', NULL, NULL, 1000)`,
    `INSERT INTO postings VALUES ('je_1', 1, 202701, 1, 2, 'USD', 1250)`,
    `INSERT INTO balance_snapshots VALUES (202612, 1, '0', '0')`,
    'INSERT INTO closed_months VALUES (202612, 0, 1000)',
  ],
  '0003_audit': [
    `INSERT INTO audit_rows VALUES (1, 'au_1', 1000, 'ops', 'host', 'init', 'book', 'book.create', NULL, NULL, 'created',
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, '${HASH}')`,
    `INSERT INTO seals VALUES (1, '${'0'.repeat(64)}', '${HASH}', 1, 1000, '${HASH}')`,
    'INSERT INTO seal_members VALUES (1, 1, 0)',
    `INSERT INTO events VALUES ('evt_1', 'charge', 'ch_1', 1, 'charge.created.v1', '{}', 1000)`,
  ],
  '0004_customers': [
    `INSERT INTO customers (id, name, email, created_at) VALUES ('cus_1', 'Ada', NULL, 1000)`,
    `INSERT INTO customer_keys VALUES ('cus_1', 'a2V5')`,
    `INSERT INTO payment_methods VALUES ('pm_1', 'cus_1', 'simulated', 'tok_approved', NULL, NULL, 1000, NULL, NULL, NULL)`,
  ],
  '0005_charges': [
    `INSERT INTO charges (id, customer_id, method_id, gateway, currency, amount_minor, captured_minor, intent, status, due_at,
       policy, metadata, version, event_version, created_at, updated_at)
     VALUES ('ch_1', 'cus_1', 'pm_1', 'simulated', 'USD', 1250, 1250, 'sale', 'captured', 1000, 'none', '{}', 2, 2, 1000, 2000)`,
    `INSERT INTO attempts (id, charge_id, number, operation, gateway, method_id, amount_minor, currency, idempotency_key, body,
       api_version, outcome, sends, unproven_sends, first_sent_at, last_sent_at, epoch, opened_at, settled_at)
     VALUES ('att_1', 'ch_1', 1, 'sale', 'simulated', 'pm_1', 1250, 'USD', 'key', '{}', '1', 'approved', 1, 0, 1000, 1000, 1, 1000, 2000)`,
    `INSERT INTO refunds (id, charge_id, amount_minor, currency, status, created_at, updated_at)
     VALUES ('re_1', 'ch_1', 250, 'USD', 'succeeded', 1000, 1000)`,
  ],
  '0006_schedules': [
    `INSERT INTO schedules (id, customer_id, method_id, amount_minor, currency, every_count, every_unit, time_of_day, start_date,
       timezone, policy, status, metadata, version, created_at, updated_at)
     VALUES ('sch_1', 'cus_1', 'pm_1', 500, 'USD', 1, 'month', '09:00', '2027-01-31', 'UTC', 'standard', 'active', '{}', 1, 1000, 1000)`,
    `INSERT INTO skipped_periods VALUES ('2027-01-31', 'sch_1', 1000, 'operator', NULL, 1000)`,
  ],
  '0007_proof': [],
  '0008_guards': [
    `INSERT INTO quarantine_reconciled VALUES ('simulated', 1000)`,
    `INSERT INTO clock_faults VALUES ('simulated', 600000, 1000)`,
  ],
  '0009_imports': [],
  '0010_growth': [],
};

/** Makes a book of schema `version` at `path` and fills its tables. */
export async function oldBook(path: string, version: number, mode: 'test' | 'live' = 'test'): Promise<void> {
  const db = openSqlite(path, 'create');
  const some = migrations.slice(0, version);
  const source: Knex.MigrationSource<Migration> = {
    getMigrations: async () => some,
    getMigrationName: (migration) => migration.name,
    getMigration: async (migration) => ({ up: (trx: Knex) => migration.up(trx), down: async () => undefined }),
  };
  await db.migrate.latest({ migrationSource: source });
  await db.raw('INSERT INTO book (only_row, book_id, mode, schema_version, created_at) VALUES (1, ?, ?, ?, ?)', [
    'bk_1',
    mode,
    version,
    1000,
  ]);
  for (const { name } of some) for (const row of rowsOf(name)) await db.raw(row);
  await db.destroy();
}

function rowsOf(migration: string): readonly string[] {
  const rows = ROWS[migration];
  if (rows === undefined) throw new Error(`test/support/old-book.ts has no rows for ${migration}`);
  return rows;
}

/** Every row of every table that bursar made, by table. */
export async function everyRow(db: Knex): Promise<Map<string, Record<string, unknown>[]>> {
  const names: { name: string }[] = await db.raw(
    `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'knex_%' ORDER BY name`,
  );
  const tables = new Map<string, Record<string, unknown>[]>();
  for (const { name } of names) tables.set(name, await db.raw(`SELECT * FROM ${name}`));
  return tables;
}
