// The audit log as commands print it: JSON shapes, table and fields.
import type { AuditRow } from '../../audit/audit-store.ts';
import type { ExportResult } from '../../audit/export.ts';
import type { Finding } from '../../audit/finding.ts';
import type { Head } from '../../audit/head.ts';
import { formatMoney } from '../../money/money.ts';
import { type Cell, type Column, idColumn } from '../columns.ts';
import { withThousands } from '../text.ts';

export interface AuditRowView {
  id: string;
  at: string;
  actor: string;
  host: string;
  command: string;
  subject: string;
  action: string;
  before: unknown;
  after: unknown;
  result: string;
  reason: string | null;
  hash: string;
}

export function auditRowView(row: AuditRow): AuditRowView {
  const { id, actor, host, command, subject, action, result, reason, hash } = row;
  const [before, after] = [parsed(row.before), parsed(row.after)];
  return { id, at: isoTime(row.at), actor, host, command, subject, action, before, after, result, reason, hash };
}

// A damaged book is still to be looked at: what can't be read is shown as it stands.
function isoTime(timeMs: number): string {
  const date = new Date(timeMs);
  return Number.isNaN(date.getTime()) ? String(timeMs) : date.toISOString();
}

function parsed(text: string | null): unknown {
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

type ShowTime = (time: string | null) => string | null;

export function auditColumns(time: ShowTime): Column<AuditRowView>[] {
  return [
    { key: 'id', inTable: false },
    { key: 'at', cell: ({ at }) => time(at), shorten: 'never' },
    { key: 'actor' },
    { key: 'host', inTable: false },
    { key: 'command' },
    { key: 'action' },
    idColumn('subject'),
    { key: 'before', inTable: false },
    { key: 'after', inTable: false },
    { key: 'result' },
    { key: 'reason' },
    { key: 'hash', inTable: false },
  ];
}

export function headFields(head: Head, time: ShowTime): [string, Cell][] {
  return [
    ['Seal', head.sequence],
    ['Seal hash', head.sealHash],
    ['Root', head.root],
    ['Rows', head.count],
    ['Sealed', time(head.sealedAt)],
  ];
}

export const NO_HEAD = { sequence: null, sealHash: null, root: null, count: null, sealedAt: null };

export function exportFields(result: ExportResult): [string, Cell][] {
  const money = (minor: string, currency: string): string => formatMoney(BigInt(minor), currency);
  return [
    ['File', result.file],
    ['Manifest', result.manifest],
    ['Rows', result.rows],
    ['SHA-256', result.sha256],
    ...result.totals.flatMap((total): [string, Cell][] => [
      [
        `Captured ${total.currency}`,
        `${money(total.capturedMinor, total.currency)} in ${withThousands(total.capturedCount)}`,
      ],
      [
        `Refunded ${total.currency}`,
        `${money(total.refundedMinor, total.currency)} in ${withThousands(total.refundedCount)}`,
      ],
      ...(total.duplicateCount === 0
        ? []
        : [
            [
              `Twice ${total.currency}`,
              `${money(total.duplicateMinor, total.currency)} in ${withThousands(total.duplicateCount)}`,
            ] as [string, Cell],
          ]),
    ]),
    ['Head', result.head?.sealHash ?? null],
  ];
}

/** One finding as a line for a person: what is wrong, and what to run. */
export function findingLine({ severity, message, command }: Finding): string {
  return `${severity}: ${message}${command === null ? '' : ` → ${command}`}`;
}
