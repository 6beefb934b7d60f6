// What stands in the book about one charge: its audit rows with the seals that cover them, its events, its schedule's
// beginning, and the runs that were going on.
import type { Knex } from 'knex';
import type { AuditRow } from '../../audit/audit-store.ts';
import { idBound } from '../../ids.ts';
import { select } from '../../storage/batch.ts';

export interface StoryRow extends AuditRow {
  /** Null while no seal covers the row. */
  seal: { sequence: number; hash: string } | null;
}

/** Inclusive, epoch milliseconds. */
export interface Span {
  fromMs: number;
  toMs: number;
}

type SealedRow = AuditRow & { seal_sequence: number | null; seal_hash: string | null };

const toRow = ({ seal_sequence, seal_hash, ...row }: SealedRow): StoryRow => ({
  ...row,
  seal: seal_sequence === null ? null : { sequence: seal_sequence, hash: seal_hash ?? '' },
});

const SEALED = `SELECT a.*, m.seal_sequence, s.seal_hash FROM audit_rows a
  LEFT JOIN seal_members m ON m.audit_sequence = a.sequence LEFT JOIN seals s ON s.sequence = m.seal_sequence`;

/**
 * The rows about a charge, in the order in which they were committed. No index leads by charge, since every write would pay
 * for it: with a span, the index on ids narrows the scan to what was written in that time.
 */
export async function auditRowsOfCharge(db: Knex, chargeId: string, span: Span | null): Promise<StoryRow[]> {
  const range = span === null ? null : await sequencesIn(db, span);
  if (span !== null && range === null) return [];
  const within = range === null ? '' : 'AND a.sequence BETWEEN ? AND ?';
  const rows = await select<SealedRow>(db, `${SEALED} WHERE a.charge_id = ? ${within} ORDER BY a.sequence`, [
    chargeId,
    ...(range ?? []),
  ]);
  return rows.map(toRow);
}

/** The audit row with which a schedule begins, which is of the schedule's own millisecond or shortly after. */
export async function scheduleCreation(db: Knex, scheduleId: string, createdAtMs: number): Promise<StoryRow | null> {
  const range = await sequencesIn(db, { fromMs: createdAtMs - 60_000, toMs: createdAtMs + 60_000 });
  if (range === null) return null;
  const [row] = await select<SealedRow>(
    db,
    `${SEALED} WHERE a.subject = ? AND a.sequence BETWEEN ? AND ? ORDER BY a.sequence LIMIT 1`,
    [scheduleId, ...range],
  );
  return row === undefined ? null : toRow(row);
}

async function sequencesIn(db: Knex, { fromMs, toMs }: Span): Promise<[number, number] | null> {
  const one = async (order: 'ASC' | 'DESC'): Promise<number | undefined> => {
    const rows = await select<{ sequence: number }>(
      db,
      `SELECT sequence FROM audit_rows WHERE id >= ? AND id < ? ORDER BY id ${order} LIMIT 1`,
      [idBound('audit', fromMs), idBound('audit', toMs + 1)],
    );
    return rows[0]?.sequence;
  };
  const [first, last] = [await one('ASC'), await one('DESC')];
  return first === undefined || last === undefined ? null : [first, last];
}

export interface PublishedEvent {
  id: string;
  version: number;
  type: string;
  occurredAt: number;
}

export async function eventsOfCharge(db: Knex, chargeId: string): Promise<PublishedEvent[]> {
  return select<PublishedEvent>(
    db,
    'SELECT id, version, type, occurred_at AS "occurredAt" FROM events WHERE aggregateid = ? ORDER BY version',
    [chargeId],
  );
}

/** Runs before `toMs`, newest first; so many are looked at, since a run seldom outlasts the ones after it. */
const RUNS_LOOKED_AT = 50;

/** The one billing run that was going on at that time; null where none was, or several were. */
export async function billingRunAt(db: Knex, atMs: number): Promise<string | null> {
  const rows = await select<{ id: string; finished_at: number | null; kind: string }>(
    db,
    'SELECT id, kind, finished_at FROM runs WHERE id < ? ORDER BY id DESC LIMIT ?',
    [idBound('run', atMs + 1), RUNS_LOOKED_AT],
  );
  const [only, ...others] = rows.filter(
    ({ kind, finished_at }) => kind === 'billing' && (finished_at === null || finished_at >= atMs),
  );
  return only === undefined || others.length > 0 ? null : only.id;
}
