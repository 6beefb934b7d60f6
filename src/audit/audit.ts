// One row in the audit log for every change of state, written in the trx of the change itself.
import { hostname, userInfo } from 'node:os';
import { newId } from '../ids.ts';
import { type Write, write } from '../storage/batch.ts';
import type { Db } from '../storage/db.ts';
import { auditRowsInsertion } from './audit-store.ts';

/** Who changes the book, from where, with which command. */
export interface Author {
  actor: string;
  host: string;
  command: string;
}

/** What a row tells, as JSON; what is undefined is left out. */
export type Told = string | number | boolean | null | undefined | readonly Told[] | { readonly [name: string]: Told };

/** What changed. `before` and `after` hold what the change was about, not whole rows; amounts are minor units. */
export interface AuditEntry {
  subject: string;
  action: string;
  before?: Record<string, Told> | null;
  after?: Record<string, Told> | null;
  result: string;
  reason?: string | null;
  customerId?: string | null;
  chargeId?: string | null;
  gateway?: string | null;
  status?: string | null;
  currency?: string | null;
  amountMinor?: bigint | null;
}

/** The operator from BURSAR_ACTOR (or the config), else the user of the operating system. */
export function authorOf(command: string, configuredActor: string | null): Author {
  return { actor: configuredActor ?? osUser(), host: hostname(), command };
}

function osUser(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a uid that has no name.
    return `uid:${process.getuid?.() ?? 'unknown'}`;
  }
}

/** Appends the entries in their order. `at` is `nowMs` for all, and is in each id's first 48 bits too. */
export async function appendAudit(
  trx: Db,
  author: Author,
  nowMs: number,
  entries: readonly AuditEntry[],
): Promise<void> {
  await write(trx, auditInsertion(author, nowMs, entries));
}

export function auditInsertion(author: Author, nowMs: number, entries: readonly AuditEntry[]): Write | null {
  return auditRowsInsertion(
    entries.map((entry) => ({
      id: newId('audit', nowMs),
      at: nowMs,
      actor: author.actor,
      host: author.host,
      command: author.command,
      subject: entry.subject,
      action: entry.action,
      before: json(entry.before),
      after: json(entry.after),
      result: entry.result,
      reason: entry.reason ?? null,
      customer_id: entry.customerId ?? null,
      charge_id: entry.chargeId ?? null,
      gateway: entry.gateway ?? null,
      status: entry.status ?? null,
      currency: entry.currency ?? null,
      amount_minor: entry.amountMinor === undefined || entry.amountMinor === null ? null : Number(entry.amountMinor),
    })),
  );
}

function json(value: Record<string, Told> | null | undefined): string | null {
  if (value === undefined || value === null) return null;
  return JSON.stringify(value);
}
