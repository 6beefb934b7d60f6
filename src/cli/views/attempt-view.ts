// Attempts as commands print them: JSON shape, table and fields. The shape is documented and only ever added to.
import type { Attempt, AttemptOutcome } from '../../charges/attempt.ts';
import type { DeclineClass } from '../../gateways/declines.ts';
import type { Operation } from '../../gateways/gateway.ts';
import { formatAmount, formatMoney } from '../../money/money.ts';
import { type Cell, type Column, idColumn, numberColumn } from '../columns.ts';
import { isoTime } from '../time-format.ts';

/** An attempt as its charge tells it. */
export interface AttemptView {
  id: string;
  number: number;
  operation: Operation;
  /** Null while its first send is under way. */
  outcome: AttemptOutcome | null;
  reference: string | null;
  providerCode: string | null;
  openedAt: string;
  settledAt: string | null;
}

/** An attempt on its own. */
export interface AttemptDetailView extends AttemptView {
  chargeId: string;
  gateway: string;
  methodId: string;
  amountMinor: string;
  amount: string;
  currency: string;
  declineCode: string | null;
  declineClass: DeclineClass | null;
  providerMessage: string | null;
  sends: number;
}

export function toAttemptView(attempt: Attempt): AttemptView {
  const { id, number, operation, outcome, reference, providerCode } = attempt;
  const openedAt = isoTime(attempt.openedAt);
  return { id, number, operation, outcome, reference, providerCode, openedAt, settledAt: isoTime(attempt.settledAt) };
}

export function toAttemptDetailView(attempt: Attempt): AttemptDetailView {
  const { chargeId, gateway, methodId, amountMinor, currency, declineCode, declineClass, providerMessage, sends } =
    attempt;
  return {
    ...toAttemptView(attempt),
    chargeId,
    gateway,
    methodId,
    amountMinor: amountMinor.toString(),
    amount: formatAmount(amountMinor, currency),
    currency,
    declineCode,
    declineClass,
    providerMessage,
    sends,
  };
}

type ShowTime = (time: string | null) => string | null;

/** What a person is told of an attempt that has no outcome yet. */
const UNDER_WAY = 'under way';

export function attemptColumns(time: ShowTime): Column<AttemptView>[] {
  return [
    idColumn('id', 'ATTEMPT'),
    numberColumn('number'),
    { key: 'operation' },
    { key: 'outcome', cell: ({ outcome }) => outcome ?? UNDER_WAY },
    { key: 'reference', shorten: 'start' },
    { key: 'providerCode' },
    { key: 'openedAt', header: 'OPENED', cell: ({ openedAt }) => time(openedAt), shorten: 'never' },
    { key: 'settledAt', inTable: false },
  ];
}

export function attemptDetailColumns(time: ShowTime): Column<AttemptDetailView>[] {
  return [
    idColumn('id'),
    idColumn('chargeId', 'CHARGE'),
    { key: 'number', inTable: false },
    { key: 'operation' },
    numberColumn('amount', (attempt) => moneyOf(attempt)),
    { key: 'currency', inTable: false },
    { key: 'amountMinor', inTable: false },
    { key: 'outcome', cell: ({ outcome }) => outcome ?? UNDER_WAY },
    { key: 'declineCode', header: 'REASON' },
    { key: 'declineClass', inTable: false },
    { key: 'gateway', inTable: false },
    { key: 'methodId', inTable: false },
    { key: 'reference', inTable: false },
    { key: 'providerCode', inTable: false },
    { key: 'providerMessage', inTable: false },
    { key: 'sends', inTable: false },
    { key: 'openedAt', header: 'OPENED', cell: ({ openedAt }) => time(openedAt), shorten: 'never' },
    { key: 'settledAt', inTable: false },
  ];
}

export function attemptFields(view: AttemptDetailView, time: ShowTime): [string, Cell][] {
  return [
    ['Attempt', view.id],
    ['Charge', view.chargeId],
    ['Number', view.number],
    ['Operation', view.operation],
    ['Amount', moneyOf(view)],
    ['Gateway', view.gateway],
    ['Payment method', view.methodId],
    ['Outcome', view.outcome ?? UNDER_WAY],
    ['Reference', view.reference],
    ['Reason', view.declineCode],
    ['Provider code', view.providerCode],
    ['Provider message', view.providerMessage],
    ['Sends', view.sends],
    ['Opened', time(view.openedAt)],
    ['Settled', time(view.settledAt)],
  ];
}

function moneyOf({ amountMinor, currency }: AttemptDetailView): string {
  return formatMoney(BigInt(amountMinor), currency);
}
