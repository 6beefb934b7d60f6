// Runs in the book.
import type { Knex } from 'knex';
import { select } from '../storage/batch.ts';
import { goneOwners } from '../storage/lease.ts';
import type { Run, RunCounts, RunKind, RunStatus, StoppedBy } from './run.ts';

export async function insertRun(trx: Knex, run: Run, ownerId: string, actor: string): Promise<void> {
  await trx.raw(
    `INSERT INTO runs (id, kind, status, as_of, started_at, finished_at, stopped_by, counts, totals, actor, owner_id)
     VALUES (?, ?, ?, ?, ?, NULL, NULL, ?, ?, ?, ?)`,
    [
      run.id,
      run.kind,
      run.status,
      run.asOf,
      run.startedAt,
      JSON.stringify(run.counts),
      totalsText(run),
      actor,
      ownerId,
    ],
  );
}

export async function updateRun(trx: Knex, run: Run): Promise<void> {
  await trx.raw('UPDATE runs SET status = ?, finished_at = ?, stopped_by = ?, counts = ?, totals = ? WHERE id = ?', [
    run.status,
    run.finishedAt,
    run.stoppedBy,
    JSON.stringify(run.counts),
    totalsText(run),
    run.id,
  ]);
}

const totalsText = (run: Run): string =>
  JSON.stringify([...run.totals].map(([currency, captured]) => [currency, captured.toString()]));

interface RunRow {
  id: string;
  kind: RunKind;
  status: RunStatus;
  as_of: number;
  started_at: number;
  finished_at: number | null;
  stopped_by: StoppedBy | null;
  counts: string;
  totals: string;
  owner_id: string;
}

function toRun(row: RunRow): Run {
  const totals = JSON.parse(row.totals) as [string, string][];
  return {
    id: row.id,
    kind: row.kind,
    status: row.status,
    dryRun: false,
    asOf: row.as_of,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    stoppedBy: row.stopped_by,
    counts: JSON.parse(row.counts) as RunCounts,
    totals: new Map(totals.map(([currency, captured]) => [currency, BigInt(captured)])),
  };
}

/** One page, newest first; `before` is the last run of the page before. */
export async function runPage(db: Knex, limit: number, before?: Run): Promise<Run[]> {
  const rows = await select<RunRow>(
    db,
    `SELECT * FROM runs ${before === undefined ? '' : 'WHERE id < ?'} ORDER BY id DESC LIMIT ?`,
    before === undefined ? [limit] : [before.id, limit],
  );
  return rows.map(toRun);
}

export async function countRuns(db: Knex): Promise<number> {
  const [row] = await select<{ n: number }>(db, 'SELECT COUNT(*) AS n FROM runs');
  return row?.n ?? 0;
}

export async function runById(db: Knex, id: string): Promise<Run | null> {
  const [row] = await select<RunRow>(db, 'SELECT * FROM runs WHERE id = ?', [id]);
  return row === undefined ? null : toRun(row);
}

/** Runs that have not said how they ended, newest first; a dead process leaves one behind until the next run. */
export async function runningOwners(
  db: Knex,
): Promise<{ id: string; kind: RunKind; startedAt: number; ownerId: string }[]> {
  return select(
    db,
    `SELECT id, kind, started_at AS "startedAt", owner_id AS "ownerId" FROM runs WHERE status = 'running' ORDER BY id DESC`,
  );
}

/** Marks runs whose process is gone as interrupted; returns their ids. */
export async function interruptGoneRuns(trx: Knex, nowMs: number): Promise<string[]> {
  const running = await select<{ id: string; owner_id: string }>(
    trx,
    `SELECT id, owner_id FROM runs WHERE status = 'running'`,
  );
  const gone = await goneOwners(
    trx,
    running.map(({ owner_id }) => owner_id),
    nowMs,
  );
  const ids = running.filter(({ owner_id }) => gone.has(owner_id)).map(({ id }) => id);
  if (ids.length === 0) return [];
  await trx.raw(
    `UPDATE runs SET status = 'interrupted', finished_at = ?, stopped_by = 'interrupted'
      WHERE id IN (SELECT value FROM json_each(?))`,
    [nowMs, JSON.stringify(ids)],
  );
  return ids;
}
