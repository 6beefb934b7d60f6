// Looks ids up by kind: whether one exists, and which ones end in some characters. For commands that take an id.
import type { Knex } from 'knex';
import { select } from './batch.ts';

const TABLES = {
  customer: 'customers',
  method: 'payment_methods',
  charge: 'charges',
  attempt: 'attempts',
  refund: 'refunds',
  schedule: 'schedules',
  run: 'runs',
  entry: 'journal_entries',
} as const;

/** Kinds of ids that a person may type. */
export type FindableKind = keyof typeof TABLES;

export async function idExists(db: Knex, kind: FindableKind, id: string): Promise<boolean> {
  const rows = await select<{ id: string }>(db, `SELECT id FROM ${TABLES[kind]} WHERE id = ?`, [id]);
  return rows.length > 0;
}

/** Ids that end in `ending`, newest first, at most `limit`. Reads every id of the kind: for a person's typing only. */
export async function idsEndingIn(db: Knex, kind: FindableKind, ending: string, limit: number): Promise<string[]> {
  const rows = await select<{ id: string }>(
    db,
    `SELECT id FROM ${TABLES[kind]} WHERE substr(id, ?) = ? ORDER BY id DESC LIMIT ?`,
    [-ending.length, ending, limit],
  );
  return rows.map(({ id }) => id);
}
