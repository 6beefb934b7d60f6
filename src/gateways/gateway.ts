// The strategy that speaks to one payment provider. What a provider says is data: a decline is an Outcome, never an
// exception, and a fault after the request may have left is `unknown`. Every gateway passes one contract test suite.
import type { DeclineCode } from './declines.ts';

/** What an attempt does at the provider. */
export type Operation = 'sale' | 'authorize' | 'capture' | 'void' | 'refund';

/** Operations that collect: at most one of them may be approved per charge. */
export const COLLECTING: readonly Operation[] = ['sale', 'authorize'];

/** What one send, or a lookup of it, came to. Amounts are minor units. */
export type Outcome =
  | { kind: 'approved'; reference: string; amountMinor: bigint; providerCode: string | null }
  | {
      kind: 'declined';
      decline: DeclineCode;
      reference: string | null;
      providerCode: string | null;
      providerMessage: string | null;
    }
  /** Proved not executed. `ours`: configuration (401, unknown account); `transport`: refused before it was sent, 429. */
  | {
      kind: 'rejected';
      reason: 'transport' | 'ours';
      providerCode: string | null;
      providerMessage: string | null;
      /** The provider's own wish (Retry-After), which wins over our backoff. */
      retryAfterMs: number | null;
    }
  | { kind: 'requires_action'; reference: string; actionUrl: string | null }
  /** A bank debit under way: final by webhook or lookup. */
  | { kind: 'settling'; reference: string }
  /** It may have been executed. `reason` is ours (`timeout`, `connection_reset`, `garbled_answer`, `server_error`, …). */
  | { kind: 'unknown'; reason: string; providerCode: string | null; providerMessage: string | null };

/** What the pipeline knows when it opens an attempt; `prepare` turns it into the request that is stored and sent. */
export interface OperationFacts {
  operation: Operation;
  chargeId: string;
  attemptId: string;
  /** The gateway's token for the payment method. */
  token: string;
  amountMinor: bigint;
  currency: string;
  description: string | null;
  /** The provider's payment object of this charge, where one exists already. */
  objectId: string | null;
  /** How often this charge's object was cancelled to make an attempt impossible: a new object is named after it. */
  objectGeneration: number;
  /** For a capture, void or refund: the attempt whose payment it acts on, which need not be the charge's newest. */
  actsOn?: PaymentOfAttempt | null;
}

/** Where an earlier attempt's payment is found at the provider. */
export interface PaymentOfAttempt {
  attemptId: string;
  objectId: string | null;
  /** The provider's own reference of it. */
  reference: string | null;
}

/** What is stored whole before a socket is opened, so that a resend is byte for byte the same. */
export interface PreparedRequest {
  /** Canonical JSON of the parameters. */
  body: string;
  apiVersion: string;
  /** The payment object this request confirms or acts on, where the id can be known beforehand. */
  objectId: string | null;
}

/** A stored request on its way out: always the same key, body and API version. */
export interface GatewayRequest extends PreparedRequest {
  operation: Operation;
  chargeId: string;
  attemptId: string;
  idempotencyKey: string;
  amountMinor: bigint;
  currency: string;
}

/** What the provider knows of one request. `absent` alone proves nothing: a late sender may still arrive. */
export type Lookup = { kind: 'found'; outcome: Outcome } | { kind: 'absent' } | { kind: 'unavailable'; reason: string };

/** `closed`: nothing was executed on this object and nothing can be any more. */
export type Cancellation =
  | { kind: 'closed' }
  | { kind: 'executed'; outcome: Outcome }
  | { kind: 'unsupported' }
  | { kind: 'unavailable'; reason: string };

export interface Capabilities {
  /** One object per charge can succeed only once; per attempt, bursar's own constraints are all there is. */
  paymentObject: 'charge' | 'attempt';
  partialCapture: boolean;
  /** How long the provider keeps a key; resends stop at half of it. `null`: not published, never resend late. */
  keyRetentionMs: number | null;
  /** How long a lookup may lag behind execution. */
  lookupLagMs: number;
  /** How absence is proved after a lookup finds nothing. */
  absenceProof: 'cancel' | 'none';
  /** ISO 4217 codes, or `null` for all. */
  currencies: readonly string[] | null;
  minimumMinor: bigint;
  maxConcurrency: number;
  /** More than this many requests a second it turns away, as configured; `null` where no limit is known. */
  maxPerSecond: number | null;
}

/** Something the gateway executed, as its own records tell it. */
export interface GatewayRecord {
  chargeId: string;
  attemptId: string;
  operation: Operation;
  amountMinor: bigint;
  currency: string;
  reference: string;
  /** The idempotency key it was sent with, where the provider's records tell it. */
  idempotencyKey?: string | null;
  /** The payment object it acted on, where the records tell it. */
  objectId?: string | null;
  /** Epoch milliseconds. */
  at: number;
  /** When the provider itself undid it later (a refund that failed after all), epoch milliseconds. */
  failedAt?: number | null;
}

export interface Gateway {
  readonly name: string;
  readonly capabilities: Capabilities;
  /** Pure. Throws BursarError(`gateway_refused`) for what this gateway can't do, before anything is opened. */
  prepare(facts: OperationFacts): PreparedRequest;
  /** Sends once; never throws for what the provider or the network does. An abort after the write is `unknown`. */
  send(request: GatewayRequest, signal: AbortSignal): Promise<Outcome>;
  /** What the provider knows of this very request, by object id or reference. Moves no money. */
  lookup(request: GatewayRequest, signal: AbortSignal): Promise<Lookup>;
  /** Closes the request's payment object, so that neither it nor a late copy of it can be executed. */
  cancel(request: GatewayRequest, signal: AbortSignal): Promise<Cancellation>;
  /** What it executed since then, in the order of execution. */
  listRecent(sinceMs: number): AsyncIterable<GatewayRecord>;
  /**
   * How far the provider's clock is from ours by the Date header of its last answer, theirs minus ours; `null` before the
   * first one. Left out where answers bear no date.
   */
  clockOffsetMs?(): number | null;
  /** A cheap call that proves reach and credentials; returns one line for a person. */
  test(signal: AbortSignal): Promise<string>;
  close(): Promise<void>;
}
