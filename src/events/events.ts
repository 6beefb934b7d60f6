// The outbox: a fact to publish, written in the trx of the change. Columns follow Debezium's outbox event router; the
// version counts per aggregate and is taken under the aggregate's own lock.

import { newId } from '../ids.ts';
import { type Write, write } from '../storage/batch.ts';
import type { Db } from '../storage/db.ts';
import { eventRowsInsertion } from './events-store.ts';

/** Versioned types, as they go out. */
export type EventType =
  | 'charge.created.v1'
  | 'charge.authorized.v1'
  | 'charge.captured.v1'
  | 'charge.settling.v1'
  | 'charge.requires_action.v1'
  | 'charge.failed.v1'
  | 'charge.exhausted.v1'
  | 'charge.unknown.v1'
  | 'charge.voided.v1'
  | 'charge.expired.v1'
  | 'charge.cancelled.v1'
  | 'charge.replayed.v1'
  | 'charge.duplicate.v1'
  | 'refund.succeeded.v1'
  | 'refund.failed.v1';

export interface DomainEvent {
  aggregateType: 'charge';
  aggregateId: string;
  version: number;
  type: EventType;
  /** The event's data; the CloudEvents envelope is put around it when it is published. */
  data: Record<string, unknown>;
}

export async function appendEvents(trx: Db, nowMs: number, events: readonly DomainEvent[]): Promise<void> {
  await write(trx, eventsInsertion(nowMs, events));
}

export function eventsInsertion(nowMs: number, events: readonly DomainEvent[]): Write | null {
  return eventRowsInsertion(
    events.map((event) => ({
      id: newId('event', nowMs),
      aggregatetype: event.aggregateType,
      aggregateid: event.aggregateId,
      version: event.version,
      type: event.type,
      payload: JSON.stringify(event.data),
      occurredAt: nowMs,
    })),
  );
}
