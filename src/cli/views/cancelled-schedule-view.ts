// A cancelled schedule with what became of its charges: JSON shape and table. The shape is only ever added to.
import { CANCEL_IF_UNPAID, type Charge, type ChargeStatus } from '../../charges/charge.ts';
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
  /**
   * `kept_open`: left as it was, as asked; `cancelled_if_unpaid`: under way, and cancelled should it turn out unpaid once
   * that is known; `collected`: the provider had it already.
   */
  result: ChargeResult;
}

type ChargeResult = 'cancelled' | 'kept_open' | 'cancelled_if_unpaid' | 'collected';

export type CancelledDocument = ScheduleDocument & {
  /** The charges that were cancelled, and those that are open still, each as it stands now. */
  charges: ChargeLine[];
  /** The charges that should have been cancelled and were not. */
  refused: { id: string; code: string; message: string }[];
};

export function toCancelledDocument({ schedule, charges, open, refused }: CancelledSchedule): CancelledDocument {
  return {
    ...toScheduleDocument(schedule),
    charges: [...charges, ...open].map((charge) => toLine(charge, isMarked(charge))),
    refused: refused.map(({ id, error }) => ({ id, code: error.code, message: error.message })),
  };
}

const isMarked = ({ retryRule }: Charge): boolean => retryRule === CANCEL_IF_UNPAID;

function toLine({ id, period, amountMinor, currency, status }: Charge, isCancelledIfUnpaid: boolean): ChargeLine {
  const result = resultOf(status, isCancelledIfUnpaid);
  return { id, period, amountMinor: amountMinor.toString(), currency, status, result };
}

function resultOf(status: ChargeStatus, isCancelledIfUnpaid: boolean): ChargeResult {
  if (status === 'cancelled') return 'cancelled';
  if (status === 'captured' || status === 'authorized') return 'collected';
  return isCancelledIfUnpaid ? 'cancelled_if_unpaid' : 'kept_open';
}

const RESULTS: Record<ChargeResult, string> = {
  cancelled: 'cancelled',
  kept_open: 'kept open',
  cancelled_if_unpaid: 'cancelled if unpaid, once known',
  collected: 'collected already',
};

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
    { key: 'result', header: 'RESULT', cell: ({ result }) => RESULTS[result] },
    { key: 'comesNext', header: 'WHAT COMES NEXT', cell: ({ status }) => comesNext[status] },
  ];
}

type ComesNext = Partial<Record<ChargeStatus, string>>;

const COMES_NEXT: ComesNext = {
  processing: 'the next run finds out',
  unknown: 'the next run finds out',
  settling: 'the next run looks again',
  requires_action: 'waits for the customer; end it with: bursar charges cancel',
  captured: 'was collected already; give it back with: bursar charges refund',
  authorized: 'was authorized already; release it with: bursar charges void',
};

const KEPT_OPEN: ComesNext = {
  pending: 'stays due',
  failed: 'stays due for its retry',
};
