// Books and files for the benchmark of imports: as many schedules as asked for, of customers who are in the book already
// or who come with the file. References are random, as ids of other systems are.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { newPersonalKey } from '../src/audit/personal.ts';
import { insertCustomers } from '../src/customers/customers-store.ts';
import { insertMethods } from '../src/customers/methods-store.ts';
import { newId } from '../src/ids.ts';
import { createBook, openBook } from '../src/storage/open.ts';
import { writeTrx } from '../src/storage/trx.ts';

const PAGE_ROWS = 5_000;
const DAY_MS = 86_400_000;
/** Three years of days on which schedules began; each was paid through the day of its October period. */
const START_DAYS = 1_096;

/** Writes a file of schedules whose customers, one each, come with it: reference, name, address and token. */
export function writeNewCustomers(path: string, rows: number): Promise<void> {
  const heading =
    'reference,paid_through,customer_reference,name,email,token,amount,currency,every,start,description,metadata.plan';
  return writeLines(path, heading, rows, (index) => {
    const payer = `${token('cus', index)},Customer ${index},customer${index}@example.com,tok_approved`;
    return `${token('sub', index)},${paidThrough(index)},${payer},${terms(index)},Subscription,gold`;
  });
}

/** Writes a file of schedules for customers and methods that `makeBook` has put into the book, by their ids. */
export function writeKnownCustomers(path: string, payers: readonly Payer[]): Promise<void> {
  const heading = 'reference,paid_through,customer,method,amount,currency,every,start,description,metadata.plan';
  return writeLines(path, heading, payers.length, (index) => {
    const { customerId, methodId } = payers[index] as Payer;
    return `${token('sub', index)},${paidThrough(index)},${customerId},${methodId},${terms(index)},Subscription,gold`;
  });
}

export interface Payer {
  customerId: string;
  methodId: string;
}

/** Makes a test book with so many customers of one payment method each, none of them with an audit row, and tells them. */
export async function makeBook(path: string, customers: number): Promise<Payer[]> {
  const nowMs = Date.now();
  await createBook(path, 'test', nowMs);
  const book = await openBook(path);
  const payers: Payer[] = [];
  const method = { gateway: 'simulated', token: 'tok_approved', brand: null, last4: null, createdAt: nowMs };
  const unblocked = { removedAt: null, blockedAt: null, blockedCode: null };
  for (let from = 0; from < customers; from += PAGE_ROWS) {
    const page = Array.from({ length: Math.min(PAGE_ROWS, customers - from) }, () => ({
      customerId: newId('customer', nowMs),
      methodId: newId('method', nowMs),
    }));
    await writeTrx(book, async (trx) => {
      await insertCustomers(
        trx,
        page.map(({ customerId: id }) => ({
          id,
          name: 'Ada Lovelace',
          email: null,
          createdAt: nowMs,
          personalKey: newPersonalKey(),
        })),
      );
      await insertMethods(
        trx,
        page.map(({ customerId, methodId: id }) => ({ id, customerId, ...method, ...unblocked })),
      );
    });
    payers.push(...page);
  }
  await book.close();
  return payers;
}

/** An id as another system gives it. */
function token(prefix: string, index: number): string {
  return `${prefix}_${createHash('md5').update(`${prefix}${index}`).digest('base64url').replace(/[_-]/g, 'x').slice(0, 16)}`;
}

const startOf = (index: number): string =>
  new Date(Date.UTC(2023, 9, 1) + (index % START_DAYS) * DAY_MS).toISOString().slice(0, 10);

const paidThrough = (index: number): string => `2026-10-${startOf(index).slice(8)}`;

const terms = (index: number): string => `${5 + (index % 95)}.00,USD,1 month,${startOf(index)}`;

async function writeLines(path: string, heading: string, rows: number, line: (index: number) => string): Promise<void> {
  const file = createWriteStream(path);
  file.write(`${heading}\n`);
  for (let from = 0; from < rows; from += PAGE_ROWS) {
    const page = Array.from({ length: Math.min(PAGE_ROWS, rows - from) }, (_, offset) => `${line(from + offset)}\n`);
    if (!file.write(page.join(''))) await once(file, 'drain');
  }
  await new Promise<void>((resolve) => file.end(() => resolve()));
}
