// The kill switch: one row per paused gateway, or '*' for all of them. Read before every open and every send.
import type { Knex } from 'knex';
import { select } from '../storage/batch.ts';

export const EVERY_GATEWAY = '*';

export interface Pause {
  /** A gateway's name, or `*`. */
  scope: string;
  reason: string;
  actor: string;
  since: number;
}

export async function pauses(db: Knex): Promise<Pause[]> {
  return select<Pause>(db, 'SELECT scope, reason, actor, since FROM pauses ORDER BY scope');
}

export async function insertPause(trx: Knex, pause: Pause): Promise<void> {
  await trx.raw('INSERT INTO pauses (scope, reason, actor, since) VALUES (?, ?, ?, ?)', [
    pause.scope,
    pause.reason,
    pause.actor,
    pause.since,
  ]);
}

export async function deletePause(trx: Knex, scope: string): Promise<void> {
  await trx.raw('DELETE FROM pauses WHERE scope = ?', [scope]);
}

/** The pause that holds this gateway back, if one does. */
export function pauseFor(current: readonly Pause[], gateway: string): Pause | undefined {
  return current.find(({ scope }) => scope === EVERY_GATEWAY || scope === gateway);
}
