// What a transport fault or a bare HTTP answer proves, for every gateway alike. `rejected` needs proof that nothing was
// executed; everything else is `unknown`: guessing here is how money moves twice.
import type { Outcome } from './gateway.ts';

export interface HttpAnswer {
  status: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  body: string;
}

type Verdict = { sent: false; code: string } | { sent: true; reason: string; code: string | null };

/** Only raised while connecting, so the request was never written. */
const CONNECT_SYSCALLS = new Set(['connect', 'getaddrinfo']);

// Certificate verification ends the handshake before the first byte of the request. Alerts that a peer may also send
// later (ERR_SSL_*_ALERT_*, TLS 1.3 asks for client certificates after the request) are left out on purpose.
// https://nodejs.org/docs/latest-v20.x/api/tls.html#x509-certificate-error-codes
const NOT_SENT_CODES = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REVOKED',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'CERT_SIGNATURE_FAILURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'HOSTNAME_MISMATCH',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_UNSUPPORTED_PROTOCOL',
]);

const MAY_HAVE_LEFT_CODES: Readonly<Record<string, string>> = {
  ECONNRESET: 'connection_reset',
  ECONNABORTED: 'connection_reset',
  EPIPE: 'connection_reset',
  UND_ERR_SOCKET: 'connection_reset',
  UND_ERR_CLOSED: 'connection_reset',
  UND_ERR_DESTROYED: 'connection_reset',
  ETIMEDOUT: 'timeout',
  ESOCKETTIMEDOUT: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  UND_ERR_ABORTED: 'aborted',
  ABORT_ERR: 'aborted',
};

/** A link of a cause chain deeper than this is a loop. */
const DEEPEST_CAUSE = 16;

/** What a failed call proves: `rejected` (`transport`) if the request never left, `unknown` for everything else. */
export function classifyTransport(error: unknown): Outcome {
  const verdicts = verdictsOf(error, DEEPEST_CAUSE);
  const mayHaveLeft = verdicts.filter((verdict) => verdict.sent);
  const notSent = verdicts.find((verdict) => !verdict.sent);
  if (mayHaveLeft.length === 0 && notSent !== undefined) return notSentOutcome(notSent.code);
  // A timeout is told through an AbortError by some callers, never the other way round: it says more.
  const verdict = mayHaveLeft.find((each) => each.reason === 'timeout') ?? mayHaveLeft[0];
  return {
    kind: 'unknown',
    reason: verdict?.reason ?? 'transport_error',
    providerCode: verdict?.code ?? null,
    providerMessage: error instanceof Error ? error.message : null,
  };
}

/** The outcome of a request of which nothing was executed: stopped before it could leave, or turned away. */
export function notSentOutcome(code: string, retryAfterMs: number | null = null): Outcome {
  return { kind: 'rejected', reason: 'transport', providerCode: code, providerMessage: null, retryAfterMs };
}

const TOO_MANY = 'http_429';

/** The provider turned the request away for now (429): nothing was executed, and it may have said when to come back. */
export function isTooMany(outcome: Outcome): outcome is Extract<Outcome, { kind: 'rejected' }> {
  return outcome.kind === 'rejected' && outcome.reason === 'transport' && outcome.providerCode === TOO_MANY;
}

/**
 * What an HTTP answer proves. `readJson` reads the provider's own words: it is given the parsed body of an answer that is
 * none of 401, 403, 429 and 5xx, and returns `null` for one that it does not know, which is `unknown` (`garbled_answer`).
 */
export function classifyAnswer(
  answer: HttpAnswer,
  readJson: (json: unknown, status: number) => Outcome | null,
): Outcome {
  const providerCode = `http_${answer.status}`;
  if (answer.status >= 500) return { kind: 'unknown', reason: 'server_error', providerCode, providerMessage: null };
  if (answer.status === 429) return notSentOutcome(providerCode, retryAfterOf(answer.headers));
  if (answer.status === 401 || answer.status === 403) {
    return { kind: 'rejected', reason: 'ours', providerCode, providerMessage: null, retryAfterMs: null };
  }
  const json = parseJson(answer.body);
  const outcome = json === undefined ? null : readJson(json, answer.status);
  return outcome ?? { kind: 'unknown', reason: 'garbled_answer', providerCode, providerMessage: null };
}

/** The parsed text, or `undefined` (which no JSON text gives) if it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Retry-After in milliseconds (RFC 9110, 10.2.3). A date counts from the answer's own Date, so our clock is no matter. */
function retryAfterOf(headers: Readonly<Record<string, string>>): number | null {
  const text = headers['retry-after']?.trim() ?? '';
  if (/^\d{1,9}(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1000);
  const waitMs = Date.parse(text) - Date.parse(headers.date ?? '');
  return Number.isNaN(waitMs) ? null : Math.max(0, waitMs);
}

function verdictsOf(error: unknown, depthLeft: number): Verdict[] {
  if (depthLeft === 0 || typeof error !== 'object' || error === null) return [];
  const links = error as { name?: unknown; code?: unknown; syscall?: unknown; message?: unknown };
  const { cause, errors } = error as { cause?: unknown; errors?: unknown };
  // Happy eyeballs: one AggregateError over the tries, with the code of the first. The tries themselves prove more.
  const inner = Array.isArray(errors) && errors.length > 0 ? errors.flatMap((each) => oneTry(each, depthLeft)) : null;
  const own = inner ?? verdictOf(links);
  return [...own, ...verdictsOf(cause, depthLeft - 1)];
}

/** A try that proves nothing may have left. */
function oneTry(error: unknown, depthLeft: number): Verdict[] {
  const verdicts = verdictsOf(error, depthLeft - 1);
  return verdicts.length > 0 ? verdicts : [{ sent: true, reason: 'transport_error', code: null }];
}

function verdictOf(error: { name?: unknown; code?: unknown; syscall?: unknown; message?: unknown }): Verdict[] {
  const code = typeof error.code === 'string' ? error.code : null;
  if (error.name === 'TimeoutError') return [{ sent: true, reason: 'timeout', code }];
  if (error.name === 'AbortError') return [{ sent: true, reason: 'aborted', code }];
  if (code === null) return [];
  if (typeof error.syscall === 'string' && CONNECT_SYSCALLS.has(error.syscall)) return [{ sent: false, code }];
  if (NOT_SENT_CODES.has(code)) return [{ sent: false, code }];
  const reason = MAY_HAVE_LEFT_CODES[code] ?? (code.startsWith('UND_ERR_') ? 'transport_error' : null);
  return reason === null ? [] : [{ sent: true, reason, code }];
}
