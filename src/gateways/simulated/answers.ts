// Reads the bank's JSON into Outcomes. An answer about another payment, attempt or amount than was asked proves nothing.
import { isDeclineCode } from '../declines.ts';
import type { GatewayRecord, GatewayRequest, Outcome } from '../gateway.ts';
import type { ListedCharge } from './routes.ts';

type Json = Readonly<Record<string, unknown>>;

/** Refusals that leave open what became of this request's operation, with our reason. */
const UNKNOWN_REASONS: Readonly<Record<string, string>> = {
  payment_already_captured: 'already_captured',
  payment_already_authorized: 'already_authorized',
  payment_in_progress: 'payment_in_progress',
  key_reuse: 'key_reuse',
};

/** Refusals that say what is wrong with the request, or with what it is about: nothing was executed. */
const OUR_FAULTS: readonly string[] = [
  'malformed_request',
  'body_too_large',
  'payment_not_found',
  'payment_not_authorized',
  'payment_not_captured',
  'payment_voided',
  'amount_exceeds',
  'amount_mismatch',
];

/** The outcome of a send; `null` for what this bank never says. */
export function readSendAnswer(json: unknown, request: GatewayRequest): Outcome | null {
  if (!isJson(json)) return null;
  return isJson(json.error) ? readError(json.error) : readOperation(json, request);
}

/** The operation of this very request, if the bank's view of the payment has it. */
export function findOperation(payment: unknown, request: GatewayRequest): Outcome | null {
  const own = operationsOf(payment).find((each) => each.key === request.idempotencyKey);
  const found = own ?? operationsOf(payment).find((each) => each.attemptId === request.attemptId);
  return found === undefined ? null : readOperation(found, request);
}

/** The sale or authorize that collected on this object, whosever it was. */
export function findCollected(payment: unknown): Outcome | null {
  const collected = operationsOf(payment).find(
    ({ operation, status }) =>
      (operation === 'sale' || operation === 'authorize') && (status === 'approved' || status === 'settling'),
  );
  return collected === undefined ? null : readStatus(collected);
}

/** The `code` of an error answer, or `null`. */
export function errorCode(json: unknown): string | null {
  const error = isJson(json) ? json.error : null;
  return isJson(error) ? textOf(error.code) : null;
}

/** A page of the bank's listing, and where the next begins. */
export function readListing(json: unknown): { records: GatewayRecord[]; after: number } | null {
  if (!isJson(json) || !Array.isArray(json.charges) || typeof json.after !== 'number') return null;
  const records = (json.charges as ListedCharge[]).map(({ amountMinor, at, failedAt, ...rest }) => ({
    ...rest,
    amountMinor: BigInt(amountMinor),
    at: Date.parse(at),
    failedAt: failedAt === null ? null : Date.parse(failedAt),
  }));
  return { records, after: json.after };
}

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readError(error: Json): Outcome | null {
  const code = textOf(error.code) ?? '';
  const said = { providerCode: code, providerMessage: textOf(error.message) };
  const reason = UNKNOWN_REASONS[code];
  if (reason !== undefined) return { kind: 'unknown', reason, ...said };
  // The object was closed before this request came: it is proved that it was not executed, and the fault is not ours.
  if (code === 'payment_cancelled') return { kind: 'rejected', reason: 'transport', ...said, retryAfterMs: null };
  return OUR_FAULTS.includes(code) ? { kind: 'rejected', reason: 'ours', ...said, retryAfterMs: null } : null;
}

function readOperation(json: Json, request: GatewayRequest): Outcome | null {
  const outcome = readStatus(json);
  // A void is over the whole authorization, whatever amount the request names.
  const isWhole = request.operation === 'void' || json.amountMinor === String(request.amountMinor);
  const isSame = json.paymentId === request.objectId && json.operation === request.operation;
  if (outcome === null || (isWhole && isSame && json.currency === request.currency)) return outcome;
  const message = `it speaks of ${String(json.amountMinor)} ${String(json.currency)}`;
  return { kind: 'unknown', reason: 'answer_mismatch', providerCode: null, providerMessage: message };
}

function readStatus(json: Json): Outcome | null {
  const reference = textOf(json.reference);
  const amountText = textOf(json.amountMinor);
  if (reference === null || amountText === null || !/^\d{1,16}$/.test(amountText)) return null;
  switch (json.status) {
    case 'approved':
      return { kind: 'approved', reference, amountMinor: BigInt(amountText), providerCode: null };
    case 'settling':
      return { kind: 'settling', reference };
    case 'requires_action':
      return { kind: 'requires_action', reference, actionUrl: null };
    case 'declined': {
      const code = textOf(json.decline) ?? '';
      const decline = isDeclineCode(code) ? code : 'unknown_decline';
      return { kind: 'declined', decline, reference, providerCode: code, providerMessage: null };
    }
    default:
      return null;
  }
}

function operationsOf(payment: unknown): Json[] {
  const operations = isJson(payment) ? payment.operations : null;
  return Array.isArray(operations) ? operations.filter(isJson) : [];
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
