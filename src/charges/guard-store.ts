// What the book itself knows of whether anything may be sent from it: the number of its commits that send, the latest
// time that one of them recorded, the quarantine, and gateways whose clock disagreed with ours.
import type { Knex } from 'knex';
import { assert } from '../errors.ts';
import { gatewayAccount } from '../ledger/ledger.ts';
import { select } from '../storage/batch.ts';

export interface Quarantine {
  /** Epoch milliseconds. */
  since: number;
  reason: string;
  /** The mark that it answers to. */
  mark: number;
}

export interface GuardRow {
  openSequence: number;
  /** Epoch milliseconds; 0 before the first commit that sends. */
  latestTime: number;
  quarantine: Quarantine | null;
  /** Theirs minus ours in milliseconds, by gateway. */
  clockFaults: Map<string, number>;
}

export async function readGuard(db: Knex): Promise<GuardRow> {
  const [row] = await select<{
    open_sequence: number;
    latest_time: number;
    quarantined_at: number | null;
    quarantine_reason: string | null;
    quarantine_mark: number | null;
    faults: string;
  }>(
    db,
    `SELECT open_sequence, latest_time, quarantined_at, quarantine_reason, quarantine_mark,
            (SELECT json_group_array(json_array(gateway, offset_ms)) FROM clock_faults) AS faults FROM book`,
  );
  assert(row !== undefined, 'a book has its row');
  return {
    openSequence: row.open_sequence,
    latestTime: row.latest_time,
    quarantine:
      row.quarantined_at === null
        ? null
        : { since: row.quarantined_at, reason: row.quarantine_reason ?? '', mark: row.quarantine_mark ?? 0 },
    clockFaults: new Map(JSON.parse(row.faults) as [string, number][]),
  };
}

/** Counts a commit that something will be sent under; answers with its number. */
export async function raiseOpenSequence(trx: Knex, nowMs: number): Promise<number> {
  const [row] = await select<{ open_sequence: number }>(
    trx,
    'UPDATE book SET open_sequence = open_sequence + 1, latest_time = MAX(latest_time, ?) RETURNING open_sequence',
    [nowMs],
  );
  assert(row !== undefined, 'a book has its row');
  return row.open_sequence;
}

/** Begins a quarantine, or one anew: what was reconciled for an earlier one counts no more. */
export async function beginQuarantine(trx: Knex, { since, reason, mark }: Quarantine): Promise<void> {
  await trx.raw('DELETE FROM quarantine_reconciled');
  await trx.raw('UPDATE book SET quarantined_at = ?, quarantine_reason = ?, quarantine_mark = ?', [
    since,
    reason,
    mark,
  ]);
}

/** Ends the quarantine. `openSequence` is above everything that was ever sent under. */
export async function endQuarantine(trx: Knex, openSequence: number): Promise<void> {
  await trx.raw('DELETE FROM quarantine_reconciled');
  await trx.raw(
    'UPDATE book SET quarantined_at = NULL, quarantine_reason = NULL, quarantine_mark = NULL, open_sequence = ?',
    [openSequence],
  );
}

export async function noteReconciled(trx: Knex, gateway: string, nowMs: number): Promise<void> {
  await trx.raw('INSERT OR REPLACE INTO quarantine_reconciled (gateway, reconciled_at) VALUES (?, ?)', [
    gateway,
    nowMs,
  ]);
}

/** Gateways reconciled since the quarantine began. */
export async function reconciledGateways(db: Knex): Promise<Set<string>> {
  const rows = await select<{ gateway: string }>(db, 'SELECT gateway FROM quarantine_reconciled');
  return new Set(rows.map(({ gateway }) => gateway));
}

/** Epoch milliseconds. */
export async function bookCreatedAt(db: Knex): Promise<number> {
  const [row] = await select<{ created_at: number }>(db, 'SELECT created_at FROM book');
  assert(row !== undefined, 'a book has its row');
  return row.created_at;
}

const GATEWAY = gatewayAccount('');

/**
 * Gateways that something was, or could be, sent to from this book, in the order of their names. Methods are never deleted,
 * so they tell of nearly all; accounts and open attempts of the rest, without a look at millions of attempts.
 */
export async function gatewaysInUse(db: Knex): Promise<string[]> {
  const rows = await select<{ gateway: string }>(
    db,
    `SELECT gateway FROM payment_methods
     UNION SELECT substr(name, ${GATEWAY.length + 1}) FROM accounts WHERE substr(name, 1, ${GATEWAY.length}) = '${GATEWAY}'
     UNION SELECT gateway FROM attempts INDEXED BY attempts_open
       WHERE outcome IS NULL OR outcome IN ('unknown', 'settling', 'requires_action') ORDER BY gateway`,
  );
  return rows.map(({ gateway }) => gateway);
}

export async function insertClockFault(trx: Knex, gateway: string, offsetMs: number, nowMs: number): Promise<void> {
  await trx.raw('INSERT OR REPLACE INTO clock_faults (gateway, offset_ms, seen_at) VALUES (?, ?, ?)', [
    gateway,
    Math.round(offsetMs),
    nowMs,
  ]);
}

export async function deleteClockFault(trx: Knex, gateway: string): Promise<boolean> {
  return (await select(trx, 'DELETE FROM clock_faults WHERE gateway = ? RETURNING 1', [gateway])).length > 0;
}

/** Takes `nowMs` for right: the latest time is this one, and no gateway's clock is held against it any more. */
export async function acceptClock(trx: Knex, nowMs: number): Promise<void> {
  await trx.raw('DELETE FROM clock_faults');
  await trx.raw('UPDATE book SET latest_time = ?', [nowMs]);
}
