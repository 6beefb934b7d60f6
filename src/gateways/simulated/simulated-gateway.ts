// The strategy for the simulated bank: one payment object per charge, named by us before money can move, so a lookup by
// its id is conclusive and cancelling it makes a late request impossible.
import type { Clock } from '../../clock.ts';
import { BursarError } from '../../errors.ts';
import { canonicalJson } from '../canonical-json.ts';
import { classifyAnswer, classifyTransport, type HttpAnswer, notSentOutcome, parseJson } from '../classifier.ts';
import { clockOffset } from '../clock-offset.ts';
import { withDeadline } from '../deadline.ts';
import {
  type Cancellation,
  type Capabilities,
  COLLECTING,
  type Gateway,
  type GatewayRecord,
  type GatewayRequest,
  type Lookup,
  type OperationFacts,
  type Outcome,
  type PreparedRequest,
} from '../gateway.ts';
import { errorCode, findCollected, findOperation, isJson, readListing, readSendAnswer } from './answers.ts';
import { KEY_HEADER } from './routes.ts';
import { bankTerms, type SimulatedConfig } from './terms.ts';
import { type BankTransport, embeddedTransport } from './transport.ts';

const API_VERSION = 'simulated/1';
const DEFAULT_TIMEOUT_MS = 2_000;
const DEFAULT_CONCURRENCY = 64;
const MINIMUM_MINOR = 1n;

export interface SimulatedGatewayOptions {
  name: string;
  /** The bank's own file, or `:memory:`; made at the first call. Unused where the configuration has a `url`. */
  path: string;
  clock: Clock;
  config: SimulatedConfig;
  /** Another way to a bank than in this process. */
  transport?: BankTransport;
}

type Answered = { answer: HttpAnswer } | { failure: Outcome };

export function createSimulatedGateway(options: SimulatedGatewayOptions): Gateway {
  const { name, config, clock } = options;
  const where = config.url ?? options.path;
  const hint =
    config.url === undefined
      ? 'Check that the file can be written and is a bank of this version.'
      : 'Check that it is served there: bursar bank serve';
  const transport = options.transport ?? embeddedTransport(options);
  const timeoutMs = config.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  let offsetMs: number | null = null;

  async function call(method: string, url: string, signal: AbortSignal, body = '', key?: string): Promise<Answered> {
    if (signal.aborted) return { failure: notSentOutcome('aborted') };
    const json = { 'content-type': 'application/json' };
    const headers = key === undefined ? json : { ...json, [KEY_HEADER]: key };
    const askedAtMs = clock.nowMs();
    try {
      const answer = await withDeadline(signal, timeoutMs, (timed) =>
        transport.call({ method, path: url, headers, body, signal: timed }),
      );
      offsetMs = clockOffset(answer.headers.date, askedAtMs, clock.nowMs()) ?? offsetMs;
      return { answer };
    } catch (error) {
      return { failure: classifyTransport(error) };
    }
  }

  /** The JSON of an answer, for calls that a person waits for. */
  function readable(result: Answered): unknown {
    const json = 'answer' in result && result.answer.status === 200 ? parseJson(result.answer.body) : undefined;
    if (json !== undefined) return json;
    const reason = 'failure' in result ? reasonOf(result.failure) : unavailable(result.answer).reason;
    throw new BursarError('gateway_unreachable', `The simulated bank at ${where} did not answer: ${reason}.`, { hint });
  }

  return {
    name,
    capabilities: capabilitiesOf(config),
    prepare: (facts) => prepare(facts, paymentObjectOf(config)),
    async send(request, signal) {
      const url = `/v1/payments/${objectOf(request)}/${request.operation}`;
      const result = await call('POST', url, signal, request.body, request.idempotencyKey);
      if ('failure' in result) return result.failure;
      return classifyAnswer(result.answer, (json) => readSendAnswer(json, request));
    },
    async lookup(request, signal) {
      return toLookup(await call('GET', `/v1/payments/${objectOf(request)}`, signal), request);
    },
    async cancel(request, signal) {
      if (!COLLECTING.includes(request.operation) || paymentObjectOf(config) === 'attempt') {
        return { kind: 'unsupported' };
      }
      const body = canonicalJson({ chargeId: request.chargeId });
      return toCancellation(await call('POST', `/v1/payments/${objectOf(request)}/cancel`, signal, body), request);
    },
    async *listRecent(sinceMs): AsyncGenerator<GatewayRecord> {
      let after = 0;
      for (;;) {
        const json = readable(await call('GET', `/v1/charges?since=${sinceMs}&after=${after}`, neverAborted()));
        const page = readListing(json);
        if (page === null || page.records.length === 0) return;
        yield* page.records;
        after = page.after;
      }
    },
    async test(signal) {
      const json = readable(await call('GET', '/v1/status', signal));
      return `simulated bank at ${where}: ${isJson(json) ? Number(json.payments) : 0} payments`;
    },
    clockOffsetMs: () => offsetMs,
    close: () => transport.close(),
  };
}

function capabilitiesOf(config: SimulatedConfig): Capabilities {
  const { keyRetentionMs, listLagMs } = bankTerms(config);
  const paymentObject = paymentObjectOf(config);
  return {
    paymentObject,
    partialCapture: true,
    keyRetentionMs,
    lookupLagMs: listLagMs,
    absenceProof: paymentObject === 'charge' ? 'cancel' : 'none',
    currencies: null,
    minimumMinor: MINIMUM_MINOR,
    maxConcurrency: config.maxConcurrency ?? DEFAULT_CONCURRENCY,
    maxPerSecond: config.maxPerSecond ?? null,
  };
}

function paymentObjectOf({ paymentObject }: SimulatedConfig): Capabilities['paymentObject'] {
  return paymentObject ?? 'charge';
}

function prepare(facts: OperationFacts, paymentObject: Capabilities['paymentObject']): PreparedRequest {
  const { operation, chargeId, attemptId, token, amountMinor, currency } = facts;
  if (amountMinor < MINIMUM_MINOR && operation !== 'void') {
    throw new BursarError('gateway_refused', `The simulated bank takes no ${operation} of ${amountMinor}.`, {
      hint: `The smallest amount is ${MINIMUM_MINOR} minor unit.`,
    });
  }
  const bodyOf = (id: string): string => id.slice(id.indexOf('_') + 1);
  // A collection always names the newest generation: the object before it was closed. What follows acts on its object.
  const named =
    paymentObject === 'charge' ? `bp_${bodyOf(chargeId)}_${facts.objectGeneration}` : `bp_${bodyOf(attemptId)}`;
  const paymentId = COLLECTING.includes(operation) ? named : (facts.actsOn?.objectId ?? facts.objectId ?? named);
  // Canonical (RFC 8785) as it stands: the keys in their order. Every charge and every imported row makes one.
  const amount = String(amountMinor);
  const body = JSON.stringify({ amountMinor: amount, attemptId, chargeId, currency, operation, paymentId, token });
  return { body, apiVersion: API_VERSION, objectId: paymentId };
}

function toLookup(result: Answered, request: GatewayRequest): Lookup {
  if ('failure' in result) return { kind: 'unavailable', reason: reasonOf(result.failure) };
  const json = parseJson(result.answer.body);
  if (result.answer.status === 404 && errorCode(json) === 'payment_not_found') return { kind: 'absent' };
  if (result.answer.status !== 200 || !isJson(json) || !isJson(json.payment)) return unavailable(result.answer);
  const outcome = findOperation(json.payment, request);
  return outcome === null ? { kind: 'absent' } : { kind: 'found', outcome };
}

/** What an object that can't be cancelled has executed is told as this request's outcome: it has collected this charge. */
function toCancellation(result: Answered, request: GatewayRequest): Cancellation {
  if ('failure' in result) return { kind: 'unavailable', reason: reasonOf(result.failure) };
  const json = parseJson(result.answer.body);
  const payment = isJson(json) ? json.payment : null;
  if (result.answer.status === 200 && isJson(payment) && payment.status === 'cancelled') return { kind: 'closed' };
  if (result.answer.status !== 409 || errorCode(json) !== 'payment_executed') return unavailable(result.answer);
  const own = findOperation(payment, request);
  const outcome = own?.kind === 'approved' || own?.kind === 'settling' ? own : findCollected(payment);
  return outcome === null ? unavailable(result.answer) : { kind: 'executed', outcome };
}

function unavailable(answer: HttpAnswer): { kind: 'unavailable'; reason: string } {
  return { kind: 'unavailable', reason: reasonOf(classifyAnswer(answer, () => null)) };
}

function reasonOf(outcome: Outcome): string {
  if (outcome.kind === 'unknown') return outcome.providerMessage ?? outcome.reason;
  return outcome.kind === 'rejected' ? (outcome.providerCode ?? outcome.reason) : outcome.kind;
}

function objectOf(request: GatewayRequest): string {
  if (request.objectId !== null) return request.objectId;
  throw new Error('a request to the simulated bank names its payment object');
}

function neverAborted(): AbortSignal {
  return new AbortController().signal;
}
