// The rules of the simulated bank, pure: what each operation does to a payment object, and what the bank writes down. An
// object collects once: a second sale, authorize or capture is refused, whatever its key.
import type { DeclineCode } from '../declines.ts';
import type { Executed, OperationRecord, Order, Payment, RecordStatus, RefusalCode } from './payment.ts';
import { type AnswerFault, isFlakyDecline, tokenBehaviour } from './tokens.ts';

export type Step =
  | { kind: 'unreached' }
  | { kind: 'refused'; code: RefusalCode; message: string }
  | {
      kind: 'recorded';
      payment: Payment;
      record: OperationRecord;
      executed: Executed | null;
      fault: AnswerFault;
      delayMs: number;
    };

export interface Terms {
  seed: number;
  settlingMs: number;
}

/** The operation's effect on its payment object, which is `null` if the bank never heard of it. */
export function perform(found: Payment | null, order: Order, terms: Terms, nowMs: number): Step {
  const payment = found === null ? null : counted(settled(found, nowMs));
  if (order.operation === 'sale' || order.operation === 'authorize') {
    return collect(payment, order, order.operation, terms, nowMs);
  }
  if (payment === null) return refused('payment_not_found', `there is no payment ${order.paymentId}`);
  if (order.operation === 'capture') return capture(payment, order, nowMs);
  return order.operation === 'void' ? voidAuthorization(payment, order, nowMs) : refund(payment, order, nowMs);
}

/** A settling payment whose time has come is authorized or captured, whoever looks at it first. */
export function settled(payment: Payment, nowMs: number): Payment {
  if (payment.status !== 'settling' || payment.settlesAt === null || nowMs < payment.settlesAt) return payment;
  return approvedPayment(payment);
}

/** Closes the object for good, a tombstone if there was none; `null` if it has executed, or is about to. */
export function cancelled(found: Payment | null, id: string, chargeId: string, nowMs: number): Payment | null {
  if (found === null) return { ...newPayment(id, chargeId, '', '', 0n), status: 'cancelled' };
  const { status } = settled(found, nowMs);
  if (status === 'cancelled') return found;
  return status === 'open' || status === 'requires_action' ? { ...found, status: 'cancelled' } : null;
}

/** The customer confirms: what required action is approved. `null` if nothing waits for it. */
export function confirmed(payment: Payment, record: OperationRecord, nowMs: number): Step | null {
  if (payment.status !== 'requires_action' || record.status !== 'requires_action') return null;
  const approved: OperationRecord = { ...record, status: 'approved', at: nowMs };
  return recorded(approvedPayment(payment), approved, { at: nowMs });
}

/** When this refund fails after all, epoch milliseconds; `null` for whatever stands. */
export function refundFailsAt(
  { operation, at }: { operation: string; at: number },
  token: string,
  { settlingMs }: Pick<Terms, 'settlingMs'>,
): number | null {
  const isFailing = operation === 'refund' && tokenBehaviour(token)?.failsRefundsLate === true;
  return isFailing ? at + settlingMs : null;
}

/** The payment without the refunds that have failed by now: their money may be given back another way. */
export function withoutFailedRefunds(
  payment: Payment,
  records: readonly OperationRecord[],
  terms: Terms,
  nowMs: number,
): Payment {
  const refunds = records.filter(({ operation, status }) => operation === 'refund' && status === 'approved');
  const standing = refunds.filter((record) => (refundFailsAt(record, payment.token, terms) ?? nowMs + 1) > nowMs);
  return { ...payment, refundedMinor: standing.reduce((sum, { amountMinor }) => sum + amountMinor, 0n) };
}

/**
 * What a lookup says of a record now: a debit that settled is approved, an action on a cancelled object is over, a refund
 * may have failed after all.
 */
export function currentRecord(record: OperationRecord, payment: Payment, terms: Terms, nowMs: number): OperationRecord {
  const failsAt = refundFailsAt(record, payment.token, terms);
  if (failsAt !== null && failsAt <= nowMs && record.status === 'approved') {
    return { ...record, status: 'declined', decline: 'account_closed' };
  }
  if (record.status === 'settling' && payment.status !== 'settling') return { ...record, status: 'approved' };
  if (record.status === 'requires_action' && payment.status === 'cancelled') {
    return { ...record, status: 'declined', decline: 'authentication_required' };
  }
  return record;
}

function collect(
  payment: Payment | null,
  order: Order,
  intent: 'sale' | 'authorize',
  terms: Terms,
  nowMs: number,
): Step {
  const behaviour = tokenBehaviour(order.token);
  const decision = behaviour?.decision ?? { kind: 'decline' as const, decline: 'invalid_account' as const };
  if (decision.kind === 'unreached') return { kind: 'unreached' };
  if (decision.kind === 'unauthorized') return refused('unauthorized', 'the credentials were refused');
  const refusal = payment === null ? null : collectRefusal(payment, order);
  if (refusal !== null) return refusal;
  const fresh = newPayment(order.paymentId, order.chargeId, order.token, order.currency, order.amountMinor);
  const open: Payment = { ...(payment ?? counted(fresh)), token: order.token, intent };
  const effects = { fault: behaviour?.fault ?? 'none', delayMs: behaviour?.delayMs ?? 0 };
  switch (decision.kind) {
    case 'approve':
      return recorded(approvedPayment(open), recordOf(open, order, 'approved', nowMs), { at: nowMs, ...effects });
    case 'settle': {
      const settlesAt = nowMs + terms.settlingMs;
      const settling: Payment = { ...open, status: 'settling', settlesAt };
      return recorded(settling, recordOf(open, order, 'settling', nowMs), { at: settlesAt, ...effects });
    }
    case 'requires_action': {
      const waiting: Payment = { ...open, status: 'requires_action' };
      return recorded(waiting, recordOf(open, order, 'requires_action', nowMs), { at: null, ...effects });
    }
    case 'decline':
      return declined(open, order, decision.decline, nowMs);
    case 'flaky':
      if (isFlakyDecline(terms.seed, order.key, decision.rate)) return declined(open, order, 'try_again_later', nowMs);
      return recorded(approvedPayment(open), recordOf(open, order, 'approved', nowMs), { at: nowMs, ...effects });
  }
}

function collectRefusal(payment: Payment, order: Order): Step | null {
  switch (payment.status) {
    case 'captured':
      return refused('payment_already_captured', `payment ${payment.id} was captured before`);
    case 'authorized':
      return refused('payment_already_authorized', `payment ${payment.id} was authorized before`);
    case 'settling':
    case 'requires_action':
      return refused('payment_in_progress', `payment ${payment.id} is ${payment.status}`);
    case 'cancelled':
      return refused('payment_cancelled', `payment ${payment.id} was cancelled; nothing was executed`);
    case 'voided':
      return refused('payment_voided', `payment ${payment.id} was voided; nothing was executed`);
    case 'open':
      if (payment.amountMinor === order.amountMinor && payment.currency === order.currency) return null;
      return refused('amount_mismatch', `payment ${payment.id} is over ${payment.amountMinor} ${payment.currency}`);
  }
}

function capture(payment: Payment, order: Order, nowMs: number): Step {
  if (payment.status === 'captured') {
    return refused('payment_already_captured', `payment ${payment.id} was captured before`);
  }
  if (payment.status !== 'authorized') {
    return refused('payment_not_authorized', `payment ${payment.id} is ${payment.status}`);
  }
  const mismatch = amountRefusal(payment, order, payment.amountMinor);
  if (mismatch !== null) return mismatch;
  const captured: Payment = { ...payment, status: 'captured', capturedMinor: order.amountMinor };
  return acted(captured, recordOf(payment, order, 'approved', nowMs));
}

function voidAuthorization(payment: Payment, order: Order, nowMs: number): Step {
  if (payment.status !== 'authorized') {
    return refused('payment_not_authorized', `payment ${payment.id} is ${payment.status}`);
  }
  const whole = { ...order, amountMinor: payment.amountMinor, currency: payment.currency };
  return acted({ ...payment, status: 'voided' }, recordOf(payment, whole, 'approved', nowMs));
}

function refund(payment: Payment, order: Order, nowMs: number): Step {
  if (payment.status !== 'captured')
    return refused('payment_not_captured', `payment ${payment.id} is ${payment.status}`);
  const mismatch = amountRefusal(payment, order, payment.capturedMinor - payment.refundedMinor);
  if (mismatch !== null) return mismatch;
  const refunded: Payment = { ...payment, refundedMinor: payment.refundedMinor + order.amountMinor };
  return acted(refunded, recordOf(payment, order, 'approved', nowMs));
}

function amountRefusal(payment: Payment, order: Order, availableMinor: bigint): Step | null {
  if (order.currency !== payment.currency) {
    return refused('amount_mismatch', `payment ${payment.id} is in ${payment.currency}`);
  }
  if (order.amountMinor <= availableMinor) return null;
  return refused('amount_exceeds', `payment ${payment.id} has ${availableMinor} left, not ${order.amountMinor}`);
}

function declined(open: Payment, order: Order, decline: DeclineCode, nowMs: number): Step {
  return recorded(open, { ...recordOf(open, order, 'declined', nowMs), decline }, { at: null });
}

/** A capture, void or refund that was executed: its answer breaks as the payment's token says. */
function acted(payment: Payment, record: OperationRecord): Step {
  const behaviour = tokenBehaviour(payment.token);
  return recorded(payment, record, {
    at: record.at,
    fault: behaviour?.fault ?? 'none',
    delayMs: behaviour?.delayMs ?? 0,
  });
}

/** `at`: when it is executed, `null` if it is not. */
function recorded(
  payment: Payment,
  record: OperationRecord,
  effects: { at: number | null; fault?: AnswerFault; delayMs?: number },
): Step {
  const { at, fault = 'none', delayMs = 0 } = effects;
  const { paymentId, key, attemptId, operation, amountMinor, currency, reference } = record;
  const executed: Executed | null =
    at === null
      ? null
      : {
          chargeId: payment.chargeId,
          attemptId,
          operation,
          amountMinor,
          currency,
          reference,
          at,
          paymentId,
          key,
          failedAt: null,
        };
  return { kind: 'recorded', payment, record, executed, fault, delayMs };
}

function recordOf(payment: Payment, order: Order, status: RecordStatus, at: number): OperationRecord {
  const { key, paymentId, attemptId, operation, digest, amountMinor, currency } = order;
  const reference = `${payment.id}/${payment.operationCount}`;
  return { key, paymentId, attemptId, operation, digest, status, reference, amountMinor, currency, decline: null, at };
}

/** The object with one operation more: its number is part of the operation's reference. */
function counted(payment: Payment): Payment {
  return { ...payment, operationCount: payment.operationCount + 1 };
}

function approvedPayment(payment: Payment): Payment {
  if (payment.intent === 'authorize') return { ...payment, status: 'authorized', settlesAt: null };
  return { ...payment, status: 'captured', capturedMinor: payment.amountMinor, settlesAt: null };
}

function newPayment(id: string, chargeId: string, token: string, currency: string, amountMinor: bigint): Payment {
  const money = { amountMinor, capturedMinor: 0n, refundedMinor: 0n };
  return {
    id,
    chargeId,
    token,
    currency,
    status: 'open',
    intent: null,
    ...money,
    settlesAt: null,
    operationCount: 0,
  };
}

function refused(code: RefusalCode, message: string): Step {
  return { kind: 'refused', code, message };
}
