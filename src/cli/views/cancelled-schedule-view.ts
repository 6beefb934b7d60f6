// A cancelled schedule with what became of its charges: JSON shape and table. The shape is only ever added to.
import type { Charge, ChargeStatus } from '../../charges/charge.ts';
import { formatMoney } from '../../money/money.ts';
import type { CancelledSchedule } from '../../schedules/cancel.ts';
import { type Column, idColumn, numberColumn } from '../columns.ts';
import { type ScheduleDocument, toScheduleDocument } from './schedule-view.ts';

interface ChargeLine {
  id: string;
  period: string | null;
  amountMinor: string;
  currency: string;
  status: ChargeStatus;
}

export type CancelledDocument = ScheduleDocument & {
  /** The charges that were cancelled, and those that are open still, each as it stands now. */
  charges: ChargeLine[];
  /** The charges that should have been cancelled and were not. */
  refused: { id: string; code: string; message: string }[];
};

export function toCancelledDocument({ schedule, charges, open, refused }: CancelledSchedule): CancelledDocument {
  return {
    ...toScheduleDocument(schedule),
    charges: [...charges, ...open].map(toLine),
    refused: refused.map(({ id, error }) => ({ id, code: error.code, message: error.message })),
  };
}

function toLine({ id, period, amountMinor, currency, status }: Charge): ChargeLine {
  return { id, period, amountMinor: amountMinor.toString(), currency, status };
}

export function chargeLineColumns(keepOpen: boolean): Column<ChargeLine>[] {
  const comesNext = { ...COMES_NEXT, ...(keepOpen ? KEPT_OPEN : {}) };
  return [
    idColumn('id', 'CHARGE'),
    { key: 'period', shorten: 'never' },
    {
      ...numberColumn<ChargeLine>('amountMinor', (line) => formatMoney(BigInt(line.amountMinor), line.currency)),
      header: 'AMOUNT',
    },
    { key: 'status' },
    { key: 'comesNext', header: 'WHAT COMES NEXT', cell: ({ status }) => comesNext[status] },
  ];
}

type ComesNext = Partial<Record<ChargeStatus, string>>;

const COMES_NEXT: ComesNext = {
  processing: 'will be resolved, and cancelled if unpaid',
  unknown: 'will be resolved, and cancelled if unpaid',
  settling: 'will be resolved, and cancelled if unpaid',
  requires_action: 'waits for the customer; end it with: bursar charges cancel',
  captured: 'was collected already; give it back with: bursar charges refund',
  authorized: 'was authorized already; release it with: bursar charges void',
};

const KEPT_OPEN: ComesNext = {
  pending: 'stays due',
  failed: 'stays due for its retry',
  processing: 'will be resolved',
  unknown: 'will be resolved',
  settling: 'will be resolved',
};
