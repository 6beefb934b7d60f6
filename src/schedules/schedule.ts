// A schedule: a recurring or delayed payment. What falls due is a period, named by its local start date.
import type { Occurrence, Recurrence } from './recurrence.ts';

export const SCHEDULE_STATUSES = ['active', 'paused', 'cancelled', 'completed'] as const;
export type ScheduleStatus = (typeof SCHEDULE_STATUSES)[number];

export interface Schedule {
  id: string;
  customerId: string;
  methodId: string;
  amountMinor: bigint;
  currency: string;
  /** Immutable: another zone, anchor or interval is another schedule, so that no period is renamed and billed again. */
  recurrence: Recurrence;
  policy: string;
  status: ScheduleStatus;
  description: string | null;
  metadata: Record<string, string>;
  idempotencyKey: string | null;
  requestHash: string | null;
  /** `YYYY-MM-DD`: what begins by then was paid elsewhere and is never billed. Null where nothing was. */
  paidThrough: string | null;
  /** The first occurrence that no run has billed or skipped yet; `null` when none is left. */
  next: Occurrence | null;
  version: number;
  createdAt: number;
  updatedAt: number;
}
