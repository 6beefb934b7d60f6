// Charges as commands print them: JSON shape, table and fields. The shape is documented and only ever added to.
import type { Charge, ChargeStatus } from '../../charges/charge.ts';
import type { DeclineClass } from '../../gateways/declines.ts';
import { formatAmount, formatMoney } from '../../money/money.ts';
import { type Cell, type Column, idColumn, numberColumn } from '../columns.ts';
import { isoTime } from '../time-format.ts';
import type { AttemptView } from './attempt-view.ts';
import { type ProofView, proofColumns, proofFields } from './proof-view.ts';
import type { RefundView } from './refund-view.ts';

export const CHARGE_SCHEMA = 'bursar.charge/1';

export interface ChargeView {
  id: string;
  customerId: string;
  methodId: string;
  gateway: string;
  scheduleId: string | null;
  period: string | null;
  /** Minor units as decimal text; `amount` is the same for people: `12.50`. */
  amountMinor: string;
  amount: string;
  currency: string;
  authorizedMinor: string;
  capturedMinor: string;
  refundedMinor: string;
  status: ChargeStatus;
  declineCode: string | null;
  declineClass: DeclineClass | null;
  retryAt: string | null;
  idempotencyKey: string | null;
  description: string | null;
  metadata: Record<string, string>;
  /** The attempt whose outcome is not known yet. */
  openAttempt: string | null;
  /** What was tried, and what comes next, while the outcome of the open attempt is unknown; null elsewhere. */
  proof: ProofView | null;
  createdAt: string;
}

export type ChargeDocument = { schema: typeof CHARGE_SCHEMA } & ChargeView;
export type CreatedDocument = ChargeDocument & { replayed: boolean; dryRun: boolean };
export type RefundedDocument = ChargeDocument & { refund: RefundView; replayed: boolean };
export type ShownDocument = ChargeDocument & { attempts: AttemptView[]; refunds: RefundView[]; entryIds: string[] } & {
  /** Commands that someone should run about this charge: the refund of a second payment. */
  proposedCommands: string[];
};

export function toChargeView(charge: Charge, openAttempt: string | null, proof: ProofView | null = null): ChargeView {
  const { id, customerId, methodId, gateway, scheduleId, period, amountMinor, currency, status } = charge;
  const { declineCode, declineClass, idempotencyKey, description, metadata } = charge;
  return {
    id,
    customerId,
    methodId,
    gateway,
    scheduleId,
    period,
    amountMinor: amountMinor.toString(),
    amount: formatAmount(amountMinor, currency),
    currency,
    authorizedMinor: charge.authorizedMinor.toString(),
    capturedMinor: charge.capturedMinor.toString(),
    refundedMinor: charge.refundedMinor.toString(),
    status,
    declineCode,
    declineClass,
    retryAt: isoTime(charge.retryAt),
    idempotencyKey,
    description,
    metadata,
    openAttempt,
    proof,
    createdAt: isoTime(charge.createdAt),
  };
}

type ShowTime = (time: string | null) => string | null;

export function chargeColumns(time: ShowTime): Column<ChargeView>[] {
  const onlyInCsv = (key: keyof ChargeView): Column<ChargeView> => ({ key, inTable: false });
  return [
    idColumn('id'),
    idColumn('customerId', 'CUSTOMER'),
    numberColumn('amount', ({ amountMinor, currency }) => formatMoney(BigInt(amountMinor), currency)),
    onlyInCsv('currency'),
    { key: 'status' },
    { key: 'declineCode', header: 'REASON' },
    { key: 'createdAt', header: 'CREATED', cell: ({ createdAt }) => time(createdAt), shorten: 'never' },
    ...(['amountMinor', 'authorizedMinor', 'capturedMinor', 'refundedMinor'] as const).map(onlyInCsv),
    ...(['methodId', 'gateway', 'scheduleId', 'period', 'declineClass', 'retryAt'] as const).map(onlyInCsv),
    ...(['idempotencyKey', 'description', 'metadata', 'openAttempt', 'proof'] as const).map(onlyInCsv),
  ];
}

/** For charges with something unknown: instead of who and when, what was tried and what comes next. */
export function unknownChargeColumns(time: ShowTime, nowMs: number): Column<ChargeView>[] {
  return [
    idColumn('id'),
    numberColumn('amount', ({ amountMinor, currency }) => formatMoney(BigInt(amountMinor), currency)),
    { key: 'status', inTable: false },
    ...proofColumns<ChargeView>(time, nowMs),
  ];
}

/** A charge for a person: what is absent and says nothing is left out. */
export function chargeFields(view: ChargeView, time: ShowTime): [string, Cell][] {
  const money = (minor: string): string => formatMoney(BigInt(minor), view.currency);
  const nonZero = (minor: string): string | null => (minor === '0' ? null : money(minor));
  const metadata = Object.entries(view.metadata).map(([key, value]) => `${key}=${value}`);
  const optional: [string, Cell][] = [
    ['Decline', view.declineCode === null ? null : `${view.declineCode} (${view.declineClass ?? 'unknown'})`],
    ['Next retry', time(view.retryAt)],
    ['Open attempt', view.openAttempt],
    ['Authorized', nonZero(view.authorizedMinor)],
    ['Captured', nonZero(view.capturedMinor)],
    ['Refunded', nonZero(view.refundedMinor)],
    ['Schedule', view.scheduleId],
    ['Period', view.period],
    ['Description', view.description],
    ['Metadata', metadata.length === 0 ? null : metadata.join(', ')],
    ['Idempotency key', view.idempotencyKey],
  ];
  return [
    ['Charge', view.id],
    ['Amount', money(view.amountMinor)],
    ['Status', view.status],
    ...optional.filter(([, value]) => value !== null),
    ...proofFields(view.proof, time),
    ['Customer', view.customerId],
    ['Payment method', view.methodId],
    ['Gateway', view.gateway],
    ['Created', time(view.createdAt)],
  ];
}

/** What to know besides after a capture, void, cancel or refund whose outcome nobody knows; on stderr, else empty. */
export function unknownNote({ proof }: ChargeView): string {
  if (proof === null) return '';
  return `It is not known whether the ${proof.operation} was executed. The next run finds out: bursar billing run\n`;
}

/** What a person who has just charged someone should know besides; on stderr, so it is not part of the result. */
export function createdNote({ id, status, replayed, dryRun }: CreatedDocument): string {
  const dry = 'Dry run: nothing was written or sent.';
  if (dryRun && replayed) return `${dry} This charge was made before with the same idempotency key.\n`;
  if (dryRun) return `${dry}\n`;
  if (replayed) return 'This charge was made before with the same idempotency key; nothing was sent.\n';
  switch (status) {
    case 'unknown':
    case 'processing':
      return 'It is not known whether the money was collected. The next run finds out: bursar billing run\n';
    case 'settling':
      return 'The debit is under way. The next run looks again: bursar billing run\n';
    case 'requires_action':
      return `The customer has to confirm the payment. Look again with: bursar charges show ${id}\n`;
    default:
      return '';
  }
}
