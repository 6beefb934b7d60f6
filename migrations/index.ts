// All migrations in their order, imported statically so that the bundle holds them. Frozen once released.
import type { Knex } from 'knex';
import * as book from './0001_book.ts';
import * as ledger from './0002_ledger.ts';
import * as audit from './0003_audit.ts';
import * as customers from './0004_customers.ts';
import * as charges from './0005_charges.ts';
import * as schedules from './0006_schedules.ts';
import * as proof from './0007_proof.ts';
import * as guards from './0008_guards.ts';
import * as imports from './0009_imports.ts';
import * as growth from './0010_growth.ts';

export interface Migration {
  name: string;
  up(db: Knex): Promise<void>;
}

export const migrations: readonly Migration[] = [
  { name: '0001_book', up: book.up },
  { name: '0002_ledger', up: ledger.up },
  { name: '0003_audit', up: audit.up },
  { name: '0004_customers', up: customers.up },
  { name: '0005_charges', up: charges.up },
  { name: '0006_schedules', up: schedules.up },
  { name: '0007_proof', up: proof.up },
  { name: '0008_guards', up: guards.up },
  { name: '0009_imports', up: imports.up },
  { name: '0010_growth', up: growth.up },
];
