// How the bank's rows travel: arrays of columns in one JSON text each way, amounts as integers of at most 10^15.
import type { DeclineCode } from '../declines.ts';
import type { Operation } from '../gateway.ts';
import type {
  Executed,
  OperationRecord,
  Payment,
  PaymentStatus,
  RecordStatus,
  Refusal,
  RefusalCode,
} from './payment.ts';

export type Cell = string | number | null;

export const COLUMNS = {
  payments: [
    'id',
    'charge_id',
    'token',
    'currency',
    'status',
    'intent',
    'amount_minor',
    'captured_minor',
    'refunded_minor',
    'settles_at',
    'operation_count',
  ],
  operations: [
    'idempotency_key',
    'payment_id',
    'attempt_id',
    'operation',
    'digest',
    'status',
    'reference',
    'amount_minor',
    'currency',
    'decline',
    'recorded_at',
  ],
  executed: [
    'charge_id',
    'attempt_id',
    'operation',
    'amount_minor',
    'currency',
    'reference',
    'executed_at',
    'payment_id',
    'idempotency_key',
  ],
  refusals: ['code', 'operation', 'charge_id', 'attempt_id', 'payment_id', 'idempotency_key', 'refused_at'],
} as const;

export function fromPayment(payment: Payment): Cell[] {
  const { id, chargeId, token, currency, status, intent, settlesAt, operationCount } = payment;
  const amounts = [payment.amountMinor, payment.capturedMinor, payment.refundedMinor].map(Number);
  return [id, chargeId, token, currency, status, intent, ...amounts, settlesAt, operationCount];
}

export function toPayment(row: readonly Cell[]): Payment {
  return {
    id: text(row[0]),
    chargeId: text(row[1]),
    token: text(row[2]),
    currency: text(row[3]),
    status: text(row[4]) as PaymentStatus,
    intent: row[5] as Payment['intent'],
    amountMinor: minor(row[6]),
    capturedMinor: minor(row[7]),
    refundedMinor: minor(row[8]),
    settlesAt: row[9] === null ? null : Number(row[9]),
    operationCount: Number(row[10]),
  };
}

export function fromRecord(record: OperationRecord): Cell[] {
  const { key, paymentId, attemptId, operation, digest, status, reference, amountMinor, currency, decline } = record;
  const identity = [key, paymentId, attemptId, operation, digest, status, reference];
  return [...identity, Number(amountMinor), currency, decline, record.at];
}

export function toRecord(row: readonly Cell[]): OperationRecord {
  return {
    key: text(row[0]),
    paymentId: text(row[1]),
    attemptId: text(row[2]),
    operation: text(row[3]) as Operation,
    digest: text(row[4]),
    status: text(row[5]) as RecordStatus,
    reference: text(row[6]),
    amountMinor: minor(row[7]),
    currency: text(row[8]),
    decline: row[9] as DeclineCode | null,
    at: Number(row[10]),
  };
}

export function fromExecuted(line: Executed): Cell[] {
  const { chargeId, attemptId, operation, amountMinor, currency, reference, at, paymentId, key } = line;
  return [chargeId, attemptId, operation, Number(amountMinor), currency, reference, at, paymentId, key];
}

export function toExecuted(row: readonly Cell[]): Executed {
  return {
    chargeId: text(row[0]),
    attemptId: text(row[1]),
    operation: text(row[2]) as Operation,
    amountMinor: minor(row[3]),
    currency: text(row[4]),
    reference: text(row[5]),
    at: Number(row[6]),
    paymentId: text(row[7]),
    key: text(row[8]),
    failedAt: null,
  };
}

export function fromRefusal(refusal: Refusal): Cell[] {
  const { code, operation, chargeId, attemptId, paymentId, key, at } = refusal;
  return [code, operation, chargeId, attemptId, paymentId, key, at];
}

export function toRefusal(row: readonly Cell[]): Refusal {
  return {
    code: text(row[0]) as RefusalCode,
    operation: text(row[1]) as Operation,
    chargeId: text(row[2]),
    attemptId: text(row[3]),
    paymentId: text(row[4]),
    key: text(row[5]),
    at: Number(row[6]),
  };
}

function text(cell: Cell | undefined): string {
  return String(cell);
}

function minor(cell: Cell | undefined): bigint {
  return BigInt(cell ?? 0);
}
