// Imported schedules say up to which date they were paid elsewhere: no period that starts by then is ever billed.
import type { Knex } from 'knex';

const statements = ['ALTER TABLE schedules ADD COLUMN paid_through TEXT'];

export async function up(db: Knex): Promise<void> {
  for (const statement of statements) await db.raw(statement);
}
