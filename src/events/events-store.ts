// The outbox table.
import { insertion, type Write } from '../storage/batch.ts';

export interface EventRow {
  id: string;
  aggregatetype: string;
  aggregateid: string;
  version: number;
  type: string;
  payload: string;
  occurredAt: number;
}

export function eventRowsInsertion(events: readonly EventRow[]): Write | null {
  return insertion(
    'events',
    ['id', 'aggregatetype', 'aggregateid', 'version', 'type', 'payload', 'occurred_at'],
    events.map((e) => [e.id, e.aggregatetype, e.aggregateid, e.version, e.type, e.payload, e.occurredAt]),
  );
}
