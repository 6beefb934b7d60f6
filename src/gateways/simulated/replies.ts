// What the bank answers, as data: an HTTP status and a JSON body, and how the answer breaks on its way if it does.
import type { HttpAnswer } from '../classifier.ts';
import { currentRecord } from './bank.ts';
import { type OperationRecord, type Payment, REFUSALS, type RefusalCode } from './payment.ts';
import type { BankTerms } from './terms.ts';
import type { AnswerFault } from './tokens.ts';

export interface BankReply {
  status: number;
  headers: Readonly<Record<string, string>>;
  json: object;
  /** `hang` is also how a request that never arrived looks from outside. */
  fault: AnswerFault;
  delayMs: number;
}

/** An operation on the wire; amounts are decimal text, since JSON numbers are not exact everywhere. */
export interface OperationAnswer {
  paymentId: string;
  attemptId: string;
  key: string;
  operation: string;
  status: string;
  reference: string;
  amountMinor: string;
  currency: string;
  decline: string | null;
}

export const GARBLED_BODY = '<html><head><title>Bank</title></head><body>\u0000\ufffd{"paymentId": "bp_';

/** How a reply that leaves at `nowMs` arrives: an answer whole or broken, no answer at all, or a broken connection. */
export function onTheWire(reply: BankReply, nowMs: number): HttpAnswer | 'silence' | 'reset' {
  const { status } = reply;
  const headers = { ...reply.headers, date: new Date(nowMs).toUTCString() };
  switch (reply.fault) {
    case 'hang':
      return 'silence';
    case 'reset':
      return 'reset';
    case 'garbage':
      return { status, headers, body: GARBLED_BODY };
    case 'server_error':
      return { status: 500, headers, body: '<html><body>Internal Server Error</body></html>' };
    case 'none':
    case 'wrong_amount':
      return { status, headers, body: JSON.stringify(reply.json) };
  }
}

/** The request was lost on its way: nothing happened, and nothing answers. */
export const UNREACHED: BankReply = { status: 0, headers: {}, json: {}, fault: 'hang', delayMs: 0 };

export function recordReply(record: OperationRecord, fault: AnswerFault, delayMs: number): BankReply {
  const status = record.status === 'declined' ? 402 : 200;
  const wrong = fault === 'wrong_amount' ? 1n : 0n;
  const json = operationAnswer({ ...record, amountMinor: record.amountMinor + wrong });
  return { status, headers: {}, json, fault, delayMs };
}

/** The payment object with what is known of its operations; 409 tells that it can't be cancelled any more. */
export function paymentReply(
  status: 200 | 409,
  payment: Payment,
  records: readonly OperationRecord[],
  { terms, nowMs }: { terms: BankTerms; nowMs: number },
): BankReply {
  const view = {
    id: payment.id,
    chargeId: payment.chargeId,
    status: payment.status,
    currency: payment.currency,
    amountMinor: String(payment.amountMinor),
    capturedMinor: String(payment.capturedMinor),
    refundedMinor: String(payment.refundedMinor),
    operations: records.map((record) => operationAnswer(currentRecord(record, payment, terms, nowMs))),
  };
  const error = { code: 'payment_executed', message: `payment ${payment.id} is ${payment.status}` };
  const json = status === 200 ? { payment: view } : { error, payment: view };
  return { status, headers: {}, json, fault: 'none', delayMs: 0 };
}

export function refusalReply(code: RefusalCode, message: string): BankReply {
  const headers: Record<string, string> = code === 'rate_limited' ? { 'retry-after': '1' } : {};
  return { status: REFUSALS[code], headers, json: { error: { code, message } }, fault: 'none', delayMs: 0 };
}

function operationAnswer(record: OperationRecord): OperationAnswer {
  const { paymentId, attemptId, key, operation, status, reference, currency, decline } = record;
  return {
    paymentId,
    attemptId,
    key,
    operation,
    status,
    reference,
    amountMinor: String(record.amountMinor),
    currency,
    decline,
  };
}
