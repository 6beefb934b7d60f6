// Imports: customers keep the name that another system has for them, and schedules the date up to which they were paid
// there. The database itself refuses to bill a period that was paid elsewhere.
import type { Knex } from 'knex';

const statements = [
  // What another system calls the customer; one customer each.
  'ALTER TABLE customers ADD COLUMN reference TEXT',
  'CREATE UNIQUE INDEX customers_reference ON customers (reference) WHERE reference IS NOT NULL',
  // YYYY-MM-DD: no period that begins on this local date or before is ever billed. Null where nothing was paid elsewhere.
  'ALTER TABLE schedules ADD COLUMN paid_through TEXT',
  `CREATE TRIGGER charges_refuse_paid_period BEFORE INSERT ON charges
   WHEN NEW.schedule_id IS NOT NULL
     AND EXISTS (SELECT 1 FROM schedules WHERE id = NEW.schedule_id AND paid_through >= NEW.period)
   BEGIN SELECT RAISE(ABORT, 'paid through: this period was paid before the schedule was imported'); END`,
  `CREATE TRIGGER schedules_refuse_paid_period BEFORE INSERT ON schedules WHEN NEW.next_period <= NEW.paid_through
   BEGIN SELECT RAISE(ABORT, 'paid through: the next period was paid before the schedule was imported'); END`,
  `CREATE TRIGGER schedules_never_go_back BEFORE UPDATE OF next_period, paid_through ON schedules
   WHEN NEW.next_period <= NEW.paid_through OR NEW.paid_through IS NOT OLD.paid_through
   BEGIN SELECT RAISE(ABORT, 'paid through: a schedule never goes back before it'); END`,
];

export async function up(db: Knex): Promise<void> {
  for (const statement of statements) await db.raw(statement);
}
