// The hash of one audit row: SHA-256 of its RFC 8785 canonical JSON, so that anyone can recompute it from an export in
// any language. Every row is hashed when written and again at every verification, hence the specialised serialiser.
import { hash } from 'node:crypto';
import { assert } from '../errors.ts';

/** The fields of an audit row that its hash covers, in the order of the table and of exports. */
export const HASHED_COLUMNS = [
  'id',
  'at',
  'actor',
  'host',
  'command',
  'subject',
  'action',
  'before',
  'after',
  'result',
  'reason',
  'customer_id',
  'charge_id',
  'gateway',
  'status',
  'currency',
  'amount_minor',
] as const;

export type HashedColumn = (typeof HASHED_COLUMNS)[number];

export interface HashedFields {
  id: string;
  /** Epoch milliseconds. */
  at: number;
  actor: string;
  host: string;
  command: string;
  subject: string;
  action: string;
  /** JSON text, hashed as text. */
  before: string | null;
  /** JSON text, hashed as text. */
  after: string | null;
  result: string;
  reason: string | null;
  customer_id: string | null;
  charge_id: string | null;
  gateway: string | null;
  status: string | null;
  currency: string | null;
  amount_minor: number | null;
}

/**
 * Hex SHA-256 of the row's canonical JSON: all 17 fields, nulls too; any others are left out. A lone surrogate, which
 * RFC 8785 section 3.2.2.2 refuses, counts as the U+FFFD that a database stores in its place, so that a hostile reason
 * from outside neither stops a settlement nor breaks the hash.
 */
export function rowHash(fields: HashedFields): string {
  return hash('sha256', canonicalJson(fields));
}

/** The text that is hashed (RFC 8785). */
export function canonicalJson(fields: HashedFields): string {
  assert(Number.isSafeInteger(fields.at), `the time of an audit row is ${fields.at}`);
  assert(
    fields.amount_minor === null || Number.isSafeInteger(fields.amount_minor),
    `the amount of an audit row is ${fields.amount_minor}`,
  );
  const json = serialize(fields);
  // JSON.stringify writes a lone surrogate as \ud800 to \udfff; a backslash in the text may look the same, harmlessly.
  return json.includes('\\ud') ? serialize(asStored(fields)) : json;
}

/**
 * JSON.stringify writes strings and numbers exactly as RFC 8785 sections 3.2.2.2 and 3.2.2.3 want them, and keys in the
 * order of the literal: here that of section 3.2.3, sorted by UTF-16 code units. 2.2 × as fast as sorting the keys of
 * every row (`canonicalize`), and the fastest of five ways tried: one native call for a whole row.
 */
function serialize(fields: HashedFields): string {
  return JSON.stringify({
    action: fields.action,
    actor: fields.actor,
    after: fields.after,
    amount_minor: fields.amount_minor,
    at: fields.at,
    before: fields.before,
    charge_id: fields.charge_id,
    command: fields.command,
    currency: fields.currency,
    customer_id: fields.customer_id,
    gateway: fields.gateway,
    host: fields.host,
    id: fields.id,
    reason: fields.reason,
    result: fields.result,
    status: fields.status,
    subject: fields.subject,
  } satisfies Record<HashedColumn, string | number | null>);
}

/** The row as it is read back after its text went through UTF-8. */
function asStored(fields: HashedFields): HashedFields {
  const stored = { ...fields };
  for (const [column, value] of Object.entries(fields)) {
    if (typeof value === 'string') Object.assign(stored, { [column]: Buffer.from(value, 'utf8').toString('utf8') });
  }
  return stored;
}
