// The outbox table.
import type { Knex } from 'knex';
import { insertRows } from '../storage/batch.ts';

export interface EventRow {
  id: string;
  aggregatetype: string;
  aggregateid: string;
  version: number;
  type: string;
  payload: string;
  occurredAt: number;
}

export async function insertEvents(trx: Knex, events: readonly EventRow[]): Promise<void> {
  await insertRows(
    trx,
    'events',
    ['id', 'aggregatetype', 'aggregateid', 'version', 'type', 'payload', 'occurred_at'],
    events.map((e) => [e.id, e.aggregatetype, e.aggregateid, e.version, e.type, e.payload, e.occurredAt]),
  );
}
