// A run as JSON and as a table.
import type { DueTotal, Run } from '../../billing/run.ts';
import { formatMoney } from '../../money/money.ts';
import type { Column } from '../columns.ts';

const iso = (timeMs: number | null): string | null => (timeMs === null ? null : new Date(timeMs).toISOString());

/** A run in a list; on its own with the schema `bursar.run/1`. */
export function runView(run: Run) {
  return {
    id: run.id,
    kind: run.kind,
    status: run.status,
    dryRun: run.dryRun,
    asOf: iso(run.asOf),
    startedAt: iso(run.startedAt),
    finishedAt: iso(run.finishedAt),
    stoppedBy: run.stoppedBy,
    counts: run.counts,
    totals: [...run.totals].map(([currency, captured]) => ({ currency, capturedMinor: captured.toString() })),
  };
}

export type RunView = ReturnType<typeof runView>;

/** What is due, for a dry run and for the question before a live one. */
export function dueView(due: readonly DueTotal[]) {
  return due.map(({ currency, count, amountMinor }) => ({ currency, count, amountMinor: amountMinor.toString() }));
}

/** `3000 JPY (1 charge), 40.00 USD (2 charges)`. */
export function dueText(due: readonly DueTotal[]): string {
  if (due.length === 0) return 'nothing';
  return due
    .map(({ count, amountMinor, currency }) => `${formatMoney(amountMinor, currency)} (${chargesText(count)})`)
    .join(', ');
}

const chargesText = (count: number): string => `${count} ${count === 1 ? 'charge' : 'charges'}`;

export const runColumns = (time: (at: string | null) => string | null): readonly Column<RunView>[] => [
  { key: 'id', shorten: 'start' },
  { key: 'kind' },
  { key: 'status' },
  { key: 'asOf', cell: (run) => time(run.asOf) },
  { key: 'startedAt', header: 'STARTED', cell: (run) => time(run.startedAt) },
  { key: 'approved', cell: (run) => run.counts.approved, align: 'right' },
  { key: 'declined', cell: (run) => run.counts.declined, align: 'right' },
  { key: 'unknown', cell: (run) => run.counts.unknown, align: 'right' },
  {
    key: 'captured',
    cell: (run) =>
      run.totals.map(({ currency, capturedMinor }) => formatMoney(BigInt(capturedMinor), currency)).join(', '),
  },
];
