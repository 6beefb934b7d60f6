// A run: one execution of billing or of due retries, with what it counted. Types and pure rules.
import type { Attempt } from '../charges/attempt.ts';
import type { Charge } from '../charges/charge.ts';
import { isOwnStop } from '../charges/send.ts';

export const RUN_STATUSES = ['running', 'finished', 'stopped', 'interrupted'] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];
export type RunKind = 'billing' | 'retries';

/** What stopped a run before it was through. */
export type StoppedBy =
  | 'max_count'
  | 'max_amount'
  | 'paused'
  | 'quarantined'
  | 'clock'
  | 'configuration'
  | 'interrupted'
  | 'not_confirmed'
  | 'no_room'
  | 'fault';

/** How many charges came to what in this run; `resolved`: earlier attempts whose outcome was found out. */
export interface RunCounts {
  due: number;
  approved: number;
  declined: number;
  rejected: number;
  requiresAction: number;
  settling: number;
  unknown: number;
  resolved: number;
  retried: number;
  skipped: number;
}

export interface Run {
  id: string;
  kind: RunKind;
  status: RunStatus;
  dryRun: boolean;
  asOf: number;
  startedAt: number;
  finishedAt: number | null;
  stoppedBy: StoppedBy | null;
  counts: RunCounts;
  /** Captured by this run, minor units per currency. */
  totals: Map<string, bigint>;
}

export const noCounts = (): RunCounts => ({
  due: 0,
  approved: 0,
  declined: 0,
  rejected: 0,
  requiresAction: 0,
  settling: 0,
  unknown: 0,
  resolved: 0,
  retried: 0,
  skipped: 0,
});

/** Counts what an attempt of this run came to. */
export function countOutcome(run: Run, attempt: Attempt, charge: Charge): void {
  const { counts, totals } = run;
  if (attempt.outcome === 'rejected' && isOwnStop(attempt.declineCode)) {
    // Opened and never sent: not tried.
    counts.due -= 1;
    return;
  }
  switch (attempt.outcome) {
    case 'approved':
      counts.approved += 1;
      if (attempt.operation === 'sale') {
        totals.set(charge.currency, (totals.get(charge.currency) ?? 0n) + attempt.amountMinor);
      }
      return;
    case 'declined':
      counts.declined += 1;
      return;
    case 'rejected':
      counts.rejected += 1;
      return;
    case 'requires_action':
      counts.requiresAction += 1;
      return;
    case 'settling':
      counts.settling += 1;
      return;
    // An attempt that was taken over, or that has no outcome yet, is unknown to this run; a duplicate is no approval.
    case 'unknown':
    case 'duplicate':
    case null:
      counts.unknown += 1;
  }
}

/** Money that is due, per currency. */
export interface DueTotal {
  currency: string;
  count: number;
  amountMinor: bigint;
}

export function addTotals(totals: readonly DueTotal[]): DueTotal[] {
  const byCurrency = new Map<string, DueTotal>();
  for (const { currency, count, amountMinor } of totals) {
    const sum = byCurrency.get(currency) ?? { currency, count: 0, amountMinor: 0n };
    byCurrency.set(currency, { currency, count: sum.count + count, amountMinor: sum.amountMinor + amountMinor });
  }
  return [...byCurrency.values()].sort((one, other) => one.currency.localeCompare(other.currency));
}
