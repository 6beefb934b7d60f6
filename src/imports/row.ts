// One row of an import, from its cells to what is written, and what the two kinds of import have in common.
import { hash } from 'node:crypto';
import type { AuditEntry } from '../audit/audit.ts';
import { BursarError } from '../errors.ts';
import { parseCurrency } from '../money/currency.ts';
import { MAX_MINOR, parseAmount } from '../money/money.ts';
import type { Build } from '../storage/batch.ts';
import type { Db } from '../storage/db.ts';
import type { Cells } from './cells.ts';
import type { ColumnSpec } from './columns.ts';
import type { ImportContext } from './context.ts';
import type { Payer, Resolved } from './payer.ts';
import type { CsvRecord } from './records.ts';

/** What identifies a row in the book. */
export interface Identity {
  /** The idempotency key. */
  reference: string;
  /** Of what the row says: another one under the same reference is a conflict. */
  requestHash: string;
}

/** What every row says, whatever it makes. */
export interface Common {
  amountMinor: bigint;
  currency: string;
  policy: string;
  description: string | null;
  metadata: Record<string, string>;
}

export interface Row<Facts> extends Identity {
  record: CsvRecord;
  payer: Payer;
  facts: Facts;
}

/** What a row makes. */
export interface ImportMade {
  id: string;
  customerId: string;
}

/** What a file can be imported as. */
export interface ImportKind<Facts extends Common, Made extends ImportMade> {
  noun: 'charges' | 'schedules';
  columns: readonly ColumnSpec[];
  /** Everything that the row alone can tell. BursarError for what is refused. */
  read(cells: Cells, context: ImportContext): Facts;
  /** What is made, with nothing written. BursarError for what the row's facts come to. */
  make(context: ImportContext, row: Row<Facts>, payer: Resolved, nowMs: number): Made;
  /** When the first of it is due, epoch ms; null for never. */
  dueAtMs(made: Made): number | null;
  /** What was made under these references before. */
  earlier(db: Db, references: readonly string[]): Promise<Map<string, { id: string; requestHash: string | null }>>;
  /** The audit row of what is made; `personalKey` encrypts what a person wrote. */
  entry(made: Made, personalKey: string): AuditEntry;
  /** What writes a batch with its events, but for its audit rows. */
  insertions(made: readonly Made[], nowMs: number): Build[];
}

export const MONEY_COLUMNS: readonly ColumnSpec[] = [
  { name: 'amount', meaning: 'decimal, such as 12.50; or instead:' },
  { name: 'amount_minor', meaning: 'a whole number of minor units, such as 1250' },
  { name: 'currency', isRequired: true, meaning: 'ISO 4217 code, such as USD' },
];

export function readCommon(cells: Cells, context: ImportContext, defaultPolicy: string): Common {
  cells.required('currency');
  const currency = cells.parsed('currency', parseCurrency) ?? '';
  const decimal = cells.parsed('amount', (text) => parseAmount(text, currency));
  const minor = cells.parsed('amount_minor', parseMinor);
  if ((decimal === null) === (minor === null)) {
    throw new BursarError(
      decimal === null ? 'missing_value' : 'invalid_amount',
      decimal === null ? 'amount is empty.' : 'It has an amount twice: give amount or amount_minor.',
    );
  }
  const policy = cells.text('policy') ?? defaultPolicy;
  cells.parsed('policy', (name) => context.charges.policy(name));
  return {
    amountMinor: decimal ?? minor ?? 0n,
    currency,
    policy,
    description: cells.text('description'),
    metadata: cells.metadata(),
  };
}

function parseMinor(text: string): bigint {
  const minor = /^[1-9]\d{0,15}$/.test(text) ? BigInt(text) : null;
  if (minor !== null && minor <= MAX_MINOR) return minor;
  throw new BursarError('invalid_amount', `it is not a whole number of minor units from 1 to ${MAX_MINOR}.`);
}

/** SHA-256 over what a row says, in the order of the code, so that the order of the file's columns is no part of it. */
export function rowHash(payer: Payer, facts: Common): string {
  const metadata = Object.entries(facts.metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  return hash('sha256', JSON.stringify([payer, { ...facts, amountMinor: facts.amountMinor.toString(), metadata }]));
}
