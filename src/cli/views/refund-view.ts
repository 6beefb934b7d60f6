// Refunds as commands print them: JSON shape, table and fields. The shape is documented and only ever added to.
import type { Refund, RefundStatus } from '../../charges/refund.ts';
import { formatAmount, formatMoney } from '../../money/money.ts';
import { type Cell, type Column, idColumn, numberColumn } from '../columns.ts';
import { isoTime } from '../time-format.ts';

/** A refund as its charge tells it. */
export interface RefundView {
  id: string;
  amountMinor: string;
  status: RefundStatus;
  /** The second approval of the charge that it gives back; null for what the charge itself collected. */
  duplicateAttemptId: string | null;
}

/** Before the command that gives a duplicate back. */
export const SECOND_PAYMENT = 'The customer paid a second time; give it back with:';

/** A refund on its own. */
export interface RefundDetailView extends RefundView {
  chargeId: string;
  attemptId: string | null;
  amount: string;
  currency: string;
  reason: string | null;
  idempotencyKey: string | null;
  createdAt: string;
}

export function toRefundView({ id, amountMinor, status, duplicateAttemptId }: Refund): RefundView {
  return { id, amountMinor: amountMinor.toString(), status, duplicateAttemptId };
}

export function toRefundDetailView(refund: Refund): RefundDetailView {
  const { chargeId, attemptId, amountMinor, currency, reason, idempotencyKey, createdAt } = refund;
  return {
    ...toRefundView(refund),
    chargeId,
    attemptId,
    amount: formatAmount(amountMinor, currency),
    currency,
    reason,
    idempotencyKey,
    createdAt: isoTime(createdAt),
  };
}

type ShowTime = (time: string | null) => string | null;

/** Inside a charge, whose currency it shares. */
export function refundColumns(currency: string): Column<RefundView>[] {
  return [
    idColumn('id', 'REFUND'),
    {
      ...numberColumn<RefundView>('amountMinor', (refund) => formatMoney(BigInt(refund.amountMinor), currency)),
      header: 'AMOUNT',
    },
    {
      key: 'status',
      cell: ({ status, duplicateAttemptId }) => (duplicateAttemptId === null ? status : `${status}, of a duplicate`),
    },
  ];
}

export function refundDetailColumns(time: ShowTime): Column<RefundDetailView>[] {
  return [
    idColumn('id'),
    idColumn('chargeId', 'CHARGE'),
    numberColumn('amount', ({ amountMinor, currency }) => formatMoney(BigInt(amountMinor), currency)),
    { key: 'currency', inTable: false },
    { key: 'amountMinor', inTable: false },
    { key: 'status' },
    { key: 'reason', shorten: 'end' },
    { key: 'attemptId', inTable: false },
    { key: 'idempotencyKey', inTable: false },
    { key: 'createdAt', header: 'CREATED', cell: ({ createdAt }) => time(createdAt), shorten: 'never' },
    { key: 'duplicateAttemptId', inTable: false },
  ];
}

export function refundFields(view: RefundDetailView, time: ShowTime): [string, Cell][] {
  return [
    ['Refund', view.id],
    ['Charge', view.chargeId],
    ['Attempt', view.attemptId],
    ['Amount', formatMoney(BigInt(view.amountMinor), view.currency)],
    ['Status', view.status],
    ...(view.duplicateAttemptId === null ? [] : [['Duplicate', view.duplicateAttemptId] as [string, Cell]]),
    ['Reason', view.reason],
    ['Idempotency key', view.idempotencyKey],
    ['Created', time(view.createdAt)],
  ];
}
