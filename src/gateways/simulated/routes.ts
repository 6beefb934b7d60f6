// The bank's HTTP interface without HTTP: a request to a bank operation. The embedded transport and a server both call it.
import { hash } from 'node:crypto';
import { MAX_MINOR } from '../../money/money.ts';
import { parseJson } from '../classifier.ts';
import type { Operation } from '../gateway.ts';
import type { Bank } from './bank-desk.ts';
import type { Executed, Order } from './payment.ts';
import { type BankReply, refusalReply } from './replies.ts';

export const KEY_HEADER = 'idempotency-key';

export interface BankRequest {
  method: string;
  /** With its query. */
  path: string;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  body: string;
}

/** An executed operation as `GET /v1/charges` and `bursar bank charges --json` tell it. */
export interface ListedCharge {
  chargeId: string;
  attemptId: string;
  operation: Operation;
  amountMinor: string;
  currency: string;
  reference: string;
  /** ISO 8601, UTC. */
  at: string;
  /** When it failed after all; null for what stands. */
  failedAt: string | null;
}

const OPERATIONS: readonly string[] = ['sale', 'authorize', 'capture', 'void', 'refund'] satisfies Operation[];
const PAYMENT_PATH = /^\/v1\/payments\/([A-Za-z0-9_-]{1,64})(?:\/([a-z]{1,20}))?$/;
const NAME = /^[\x21-\x7e]{1,200}$/;
const AMOUNT = /^\d{1,16}$/;

/**
 * Answers one request:
 * `POST /v1/payments/{id}/{sale|authorize|capture|void|refund}`, `POST /v1/payments/{id}/{cancel|confirm}`,
 * `GET /v1/payments/{id}`, `GET /v1/charges?after=&since=` (with `lag=none` what lists do not show yet, too), `GET /v1/status`.
 * A bank that can't reach its file answers 503.
 */
export async function answerRequest(bank: Bank, request: BankRequest): Promise<BankReply> {
  try {
    return await route(bank, request);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_'))) throw error;
    return ok({ error: { code: 'bank_unavailable', message: error.message } }, 503);
  }
}

async function route(bank: Bank, request: BankRequest): Promise<BankReply> {
  const [path = '', query = ''] = request.path.split('?', 2);
  if (path === '/v1/status') return ok({ payments: await bank.countPayments() });
  if (path === '/v1/charges') return charges(bank, new URLSearchParams(query));
  const [, paymentId, verb] = PAYMENT_PATH.exec(path) ?? [];
  if (paymentId === undefined) return malformed(`there is no ${path}`);
  if (request.method === 'GET' && verb === undefined) return bank.submit({ kind: 'view', paymentId });
  if (request.method !== 'POST' || verb === undefined) return malformed(`${request.method} ${path} is not known`);
  const body = parseJson(request.body);
  if (verb === 'confirm') return bank.submit({ kind: 'confirm', paymentId });
  if (verb === 'cancel') {
    const chargeId = field(body, 'chargeId', NAME);
    return chargeId === null ? malformed('no chargeId') : bank.submit({ kind: 'cancel', paymentId, chargeId });
  }
  const order = toOrder(request, body, paymentId, verb);
  return order === null ? malformed('not an order for this path') : bank.submit({ kind: 'perform', order });
}

async function charges(bank: Bank, query: URLSearchParams): Promise<BankReply> {
  const afterRow = Number(query.get('after') ?? 0);
  const sinceMs = Number(query.get('since') ?? 0);
  if (!Number.isSafeInteger(afterRow) || !Number.isSafeInteger(sinceMs)) return malformed('after or since');
  const untilMs = query.get('lag') === 'none' ? bank.nowMs() : bank.visibleUntilMs();
  const { lines, lastRow } = await bank.page({ afterRow, sinceMs, untilMs });
  return ok({
    seed: bank.terms.seed,
    charges: lines.map((line) => ({ ...listedCharge(line), idempotencyKey: line.key, objectId: line.paymentId })),
    after: lastRow,
  });
}

/** One line of the bank's listing. */
export function listedCharge(line: Executed): ListedCharge {
  const { chargeId, attemptId, operation, amountMinor, currency, reference, at, failedAt } = line;
  return {
    chargeId,
    attemptId,
    operation,
    amountMinor: String(amountMinor),
    currency,
    reference,
    at: new Date(at).toISOString(),
    failedAt: failedAt === null ? null : new Date(failedAt).toISOString(),
  };
}

function toOrder(request: BankRequest, body: unknown, paymentId: string, verb: string): Order | null {
  const key = field(request.headers, KEY_HEADER, NAME);
  const chargeId = field(body, 'chargeId', NAME);
  const attemptId = field(body, 'attemptId', NAME);
  const token = field(body, 'token', NAME);
  const currency = field(body, 'currency', /^[A-Z]{3}$/);
  const amountText = field(body, 'amountMinor', AMOUNT);
  const operation = toOperation(verb);
  if (key === null || chargeId === null || attemptId === null || token === null || currency === null) return null;
  if (field(body, 'paymentId', NAME) !== paymentId || field(body, 'operation', NAME) !== verb) return null;
  if (operation === null || amountText === null) return null;
  const amountMinor = BigInt(amountText);
  if (amountMinor > MAX_MINOR || (amountMinor === 0n && operation !== 'void')) return null;
  const digest = hash('sha256', request.body, 'base64url');
  return { operation, paymentId, chargeId, attemptId, token, amountMinor, currency, key, digest };
}

function toOperation(verb: string): Operation | null {
  return OPERATIONS.includes(verb) ? (verb as Operation) : null;
}

function field(object: unknown, name: string, pattern: RegExp): string | null {
  if (typeof object !== 'object' || object === null) return null;
  const value = (object as Readonly<Record<string, unknown>>)[name];
  return typeof value === 'string' && pattern.test(value) ? value : null;
}

function malformed(message: string): BankReply {
  return refusalReply('malformed_request', `${message}; nothing was executed`);
}

function ok(json: object, status = 200): BankReply {
  return { status, headers: {}, json, fault: 'none', delayMs: 0 };
}
