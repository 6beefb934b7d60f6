// What a fault proves: `rejected` only where nothing can have been executed.
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { classifyAnswer, classifyTransport } from '../../../src/gateways/classifier.ts';
import { withDeadline } from '../../../src/gateways/deadline.ts';
import type { Outcome } from '../../../src/gateways/gateway.ts';

function coded(code: string, extra: object = {}): Error {
  return Object.assign(new Error(code), { code, ...extra });
}

function fetchFailed(cause: unknown): Error {
  return new TypeError('fetch failed', { cause });
}

describe('classifyTransport', () => {
  it.each([
    ['ECONNREFUSED', fetchFailed(coded('ECONNREFUSED'))],
    ['ENOTFOUND', fetchFailed(coded('ENOTFOUND', { syscall: 'getaddrinfo' }))],
    ['EAI_AGAIN', coded('EAI_AGAIN')],
    ['EHOSTUNREACH', coded('EHOSTUNREACH', { syscall: 'connect' })],
    ['ETIMEDOUT', coded('ETIMEDOUT', { syscall: 'connect' })],
    ['CERT_HAS_EXPIRED', fetchFailed(coded('CERT_HAS_EXPIRED'))],
    ['UND_ERR_CONNECT_TIMEOUT', fetchFailed(coded('UND_ERR_CONNECT_TIMEOUT'))],
  ])('%s before the write is rejected', (code, error) => {
    const outcome = classifyTransport(error);
    expect(outcome).toMatchObject({ kind: 'rejected', reason: 'transport', providerCode: code, retryAfterMs: null });
  });

  it.each([
    ['timeout', new DOMException('late', 'TimeoutError')],
    ['timeout', new DOMException('aborted', 'AbortError'), new DOMException('late', 'TimeoutError')],
    ['timeout', coded('ETIMEDOUT', { syscall: 'read' })],
    ['timeout', coded('UND_ERR_HEADERS_TIMEOUT')],
    ['aborted', new DOMException('stop', 'AbortError')],
    ['connection_reset', coded('ECONNRESET', { syscall: 'read' })],
    ['connection_reset', new Error('socket hang up'), coded('ECONNRESET')],
    ['connection_reset', coded('EPIPE')],
    ['connection_reset', coded('UND_ERR_SOCKET')],
    ['transport_error', coded('UND_ERR_NEW_IN_A_LATER_VERSION')],
    ['transport_error', coded('EHOSTUNREACH', { syscall: 'read' })],
    ['transport_error', coded('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED')],
    ['transport_error', new Error('never seen before')],
    ['transport_error', 'a thrown text'],
    ['transport_error', undefined],
  ])('%s after it may have left is unknown (%s)', (reason, error, cause?: Error) => {
    const chained = cause === undefined ? error : Object.assign(new Error('outer', { cause }), { error });
    expect(classifyTransport(chained)).toMatchObject({ kind: 'unknown', reason });
    expect(classifyTransport(fetchFailed(chained))).toMatchObject({ kind: 'unknown', reason });
  });

  it('reads an AggregateError by all of its tries', () => {
    const refused = coded('ECONNREFUSED', { syscall: 'connect' });
    const all = Object.assign(new AggregateError([refused, refused]), { code: 'ECONNREFUSED' });
    expect(classifyTransport(fetchFailed(all)).kind).toBe('rejected');
    const some = Object.assign(new AggregateError([refused, new Error('?')]), { code: 'ECONNREFUSED' });
    expect(classifyTransport(fetchFailed(some)).kind).toBe('unknown');
  });

  it('believes the link that says it may have left over one that says it has not', () => {
    const outcome = classifyTransport(Object.assign(coded('ECONNREFUSED'), { cause: coded('ECONNRESET') }));
    expect(outcome).toMatchObject({ kind: 'unknown', reason: 'connection_reset' });
  });

  it('ends on a chain that bites its tail', () => {
    const error = new Error('loop');
    error.cause = error;
    expect(classifyTransport(error).kind).toBe('unknown');
  });

  it("knows what this Node's fetch throws", async () => {
    const server = createServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`;
    const post = () => fetch(url, { method: 'POST', body: '{}' }).then(() => null, classifyTransport);
    expect(await post()).toMatchObject({ kind: 'unknown', reason: 'connection_reset' });
    await new Promise((resolve) => server.close(resolve));
    expect(await post()).toMatchObject({ kind: 'rejected', reason: 'transport', providerCode: 'ECONNREFUSED' });
  });
});

describe('classifyAnswer', () => {
  const approval: Outcome = { kind: 'approved', reference: 'r', amountMinor: 1n, providerCode: null };
  const classify = (status: number, body: string, headers: Record<string, string> = {}) =>
    classifyAnswer({ status, headers, body }, (json) => (json === 1 ? approval : null));

  it('gives the parsed body to the reader', () => {
    expect(classify(200, '1')).toBe(approval);
    expect(classify(402, '1')).toBe(approval);
  });

  it.each([
    [200, '<html>', 'garbled_answer'],
    [200, '', 'garbled_answer'],
    [200, '{"unheard":"of"}', 'garbled_answer'],
    [404, 'Not Found', 'garbled_answer'],
    [302, '', 'garbled_answer'],
    [500, '1', 'server_error'],
    [503, '<html>', 'server_error'],
  ])('%d %s is unknown: %s', (status, body, reason) => {
    expect(classify(status, body)).toMatchObject({ kind: 'unknown', reason, providerCode: `http_${status}` });
  });

  it.each([401, 403])('%d is our fault, executed nothing', (status) => {
    expect(classify(status, '<html>')).toMatchObject({ kind: 'rejected', reason: 'ours' });
  });

  const date = 'Thu, 15 Jan 2026 12:00:00 GMT';
  it.each([
    [{ 'retry-after': '7' }, 7_000],
    [{ 'retry-after': 'Thu, 15 Jan 2026 12:01:30 GMT', date }, 90_000],
    [{ 'retry-after': 'Thu, 15 Jan 2026 11:00:00 GMT', date }, 0],
    [{ 'retry-after': 'Thu, 15 Jan 2026 12:01:30 GMT' }, null],
    [{ 'retry-after': 'soon' }, null],
    [{}, null],
  ] as [Record<string, string>, number | null][])('429 with %j waits %s', (headers, retryAfterMs) => {
    expect(classify(429, '', headers)).toMatchObject({ kind: 'rejected', reason: 'transport', retryAfterMs });
  });
});

describe('withDeadline', () => {
  const never = () => new Promise<never>(() => undefined);

  it("rejects with the caller's reason, for every call under way", async () => {
    const caller = new AbortController();
    const calls = [withDeadline(caller.signal, 60_000, never), withDeadline(caller.signal, 60_000, never)];
    caller.abort(new Error('stopped'));
    for (const call of calls) await expect(call).rejects.toThrow('stopped');
    await expect(withDeadline(caller.signal, 60_000, never)).rejects.toThrow('stopped');
  });

  it('rejects with a TimeoutError when time is up, and tells the call', async () => {
    let told: unknown = null;
    const call = withDeadline(new AbortController().signal, 5, (signal) => {
      signal.addEventListener('abort', () => {
        told = signal.reason;
      });
      return never();
    });
    await expect(call).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(told).toMatchObject({ name: 'TimeoutError' });
  });
});
