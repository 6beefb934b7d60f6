// Customers and their audit keys in the book.
import type { Knex } from 'knex';
import { type Build, inList, insertion, listBinding, select, selectBatch, writeInOrder } from '../storage/batch.ts';
import { countUpTo } from '../storage/count.ts';
import type { Customer } from './customer.ts';

type NewCustomer = Omit<Customer, 'reference'> & { reference?: string | null; personalKey: string };

export async function insertCustomers(trx: Knex, customers: readonly NewCustomer[]): Promise<void> {
  await writeInOrder(trx, customersInsertions(customers));
}

/** What inserts customers and their keys, each statement to be built when the one before is at work. */
export function customersInsertions(customers: readonly NewCustomer[]): Build[] {
  return [
    () =>
      insertion(
        'customers',
        COLUMNS,
        customers.map((c) => [c.id, c.name, c.email, c.createdAt, c.reference ?? null]),
      ),
    () =>
      insertion(
        'customer_keys',
        ['customer_id', 'key'],
        customers.map((c) => [c.id, c.personalKey]),
      ),
  ];
}

interface CustomerRow {
  id: string;
  name: string;
  email: string | null;
  created_at: number;
  reference: string | null;
}

const COLUMNS = ['id', 'name', 'email', 'created_at', 'reference'];

const toCustomer = (row: CustomerRow): Customer => ({
  id: row.id,
  name: row.name,
  email: row.email,
  createdAt: row.created_at,
  reference: row.reference,
});

export async function customersById(db: Knex, ids: readonly string[]): Promise<Map<string, Customer>> {
  const rows = await selectBatch<CustomerRow>(db, COLUMNS, `customers WHERE id IN ${inList}`, [listBinding(ids)]);
  return new Map(rows.map((row) => [row.id, toCustomer(row)]));
}

/** The customers whom another system calls by these references. */
export async function customersByReference(db: Knex, references: readonly string[]): Promise<Map<string, Customer>> {
  const rows = await selectBatch<CustomerRow>(db, COLUMNS, `customers WHERE reference IN ${inList}`, [
    listBinding(references),
  ]);
  return new Map(rows.map((row) => [String(row.reference), toCustomer(row)]));
}

/** The keys that encrypt these customers' personal fields in the audit log. */
export async function personalKeys(db: Knex, ids: readonly string[]): Promise<Map<string, string>> {
  const rows = await selectBatch<{ customer_id: string; key: string }>(
    db,
    ['customer_id', 'key'],
    `customer_keys WHERE customer_id IN ${inList}`,
    [listBinding(ids)],
  );
  return new Map(rows.map((row) => [row.customer_id, row.key]));
}

/** One page, newest first; `before` is the last customer of the page before. */
export async function customerPage(db: Knex, limit: number, before?: Customer): Promise<Customer[]> {
  const rows = await select<CustomerRow>(
    db,
    `SELECT * FROM customers ${before === undefined ? '' : 'WHERE id < ?'} ORDER BY id DESC LIMIT ?`,
    before === undefined ? [limit] : [before.id, limit],
  );
  return rows.map(toCustomer);
}

export function countCustomers(db: Knex): Promise<number | null> {
  return countUpTo(db, 'SELECT 1 FROM customers');
}
