// What asking the gateways has changed: JSON shape and table. The shape is only ever added to.
import type { Attempt, AttemptOutcome } from '../../charges/attempt.ts';
import type { Synced } from '../../charges/sync.ts';
import type { Operation } from '../../gateways/gateway.ts';
import { type Column, idColumn } from '../columns.ts';

interface AttemptLine {
  attemptId: string;
  chargeId: string;
  operation: Operation;
  outcome: AttemptOutcome | null;
}

interface ChangedLine extends AttemptLine {
  /** What the book said before. */
  was: AttemptOutcome | null;
}

/** `bursar.sync/1`. */
export interface SyncDocument {
  schema: 'bursar.sync/1';
  /** How many attempts the gateways were asked about. */
  asked: number;
  changed: ChangedLine[];
  /** Asked about, and not final still. */
  open: AttemptLine[];
  unanswered: { attemptId: string; chargeId: string; gateway: string; reason: string }[];
}

export function toSyncDocument({ asked, changed, open, unanswered }: Synced): SyncDocument {
  return {
    schema: 'bursar.sync/1',
    asked,
    changed: changed.map(({ before, after }) => ({ ...toLine(after), was: before.outcome })),
    open: open.map(toLine),
    unanswered: unanswered.map(({ attempt: { id, chargeId, gateway }, reason }) => ({
      attemptId: id,
      chargeId,
      gateway,
      reason,
    })),
  };
}

function toLine({ id, chargeId, operation, outcome }: Attempt): AttemptLine {
  return { attemptId: id, chargeId, operation, outcome };
}

export function changedColumns(): Column<ChangedLine>[] {
  return [
    idColumn('chargeId', 'CHARGE'),
    idColumn('attemptId', 'ATTEMPT'),
    { key: 'operation' },
    { key: 'was', cell: ({ was }) => was ?? 'under way' },
    { key: 'outcome', header: 'IS' },
  ];
}
