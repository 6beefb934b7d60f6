// The way to a bank that is served: HTTP over connections that are kept. Whatever breaks on it rejects as node:http tells
// it, codes and system calls included, since those are what the classifier judges by.
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { HttpAnswer } from '../classifier.ts';
import type { BankTransport } from './transport.ts';

/** A page of the bank's list, the largest answer, takes 500 kB. */
const LARGEST_ANSWER_BYTES = 10_000_000;

/** An idle connection is closed by us, before the bank does so while a request is on its way. */
const IDLE_MS = 30_000;

/** `url` is an origin, such as http://127.0.0.1:8480. Connects at the first call. */
export function httpTransport(url: string): BankTransport {
  const { protocol, hostname, port } = new URL(url);
  const isTls = protocol === 'https:';
  const agent = new (isTls ? HttpsAgent : HttpAgent)({ keepAlive: true, timeout: IDLE_MS });
  // Parsed once: node:http would parse an address at every request.
  const host = hostname.replace(/^\[|\]$/g, '');
  const target = { host, port: port === '' ? null : port, agent };
  const ask = isTls ? requestHttps : requestHttp;
  return {
    call: ({ method, path, headers, body, signal }) =>
      new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const length = body === '' ? {} : { 'content-length': Buffer.byteLength(body) };
        const request = ask({ ...target, method, path, headers: { ...headers, ...length } });
        // As the option `signal` would; that hangs a dozen listeners on every request.
        const giveUp = (): void => {
          request.destroy(signal.reason);
        };
        signal.addEventListener('abort', giveUp, { once: true });
        request.on('response', (response) => readAnswer(response).then(resolve, reject));
        request.on('error', reject);
        request.end(body);
      }),
    close: async () => agent.destroy(),
  };
}

function readAnswer(response: IncomingMessage): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > LARGEST_ANSWER_BYTES)
        response.destroy(new Error(`an answer of more than ${LARGEST_ANSWER_BYTES} bytes`));
      else chunks.push(chunk);
    });
    // An answer that breaks off ends with an error, ECONNRESET.
    response.on('error', reject);
    response.on('end', () => {
      const { statusCode: status = 0 } = response;
      resolve({ status, headers: plainHeaders(response), body: Buffer.concat(chunks).toString('utf8') });
    });
  });
}

function plainHeaders({ headers }: IncomingMessage): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) plain[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return plain;
}
