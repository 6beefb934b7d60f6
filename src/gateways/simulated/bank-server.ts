// The simulated bank over HTTP: what its routes answer, with its latency, and its faults as they are on a real wire.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../clock.ts';
import { BursarError } from '../../errors.ts';
import type { Bank } from './bank-desk.ts';
import { type BankReply, onTheWire, refusalReply } from './replies.ts';
import { answerRequest, KEY_HEADER } from './routes.ts';

const LARGEST_BODY_BYTES = 1_000_000;
/** Longer than clients keep idle connections, so that it is they who close them and no request meets a closing one. */
const KEEP_ALIVE_MS = 65_000;
/** How long answers in flight may take when the server stops; a token may be as slow as ten minutes. */
const STOP_WITHIN_MS = 10_000;

export interface BankServer {
  /** `http://127.0.0.1:8480`. */
  readonly url: string;
  /** Rejects when a request meets a bug; never resolves. */
  readonly failure: Promise<never>;
  /** Takes no more requests, gives the answers in flight up to 10 s, and resolves when the last connection is closed. */
  close(): Promise<void>;
}

/** Serves a bank that stays open. `port` 0 takes any that is free. BursarError `conflict` or `invalid_value`. */
export async function serveBank(options: {
  bank: Bank;
  clock: Clock;
  host: string;
  port: number;
}): Promise<BankServer> {
  const { bank, clock, host, port } = options;
  const unanswered = new Set<ServerResponse>();
  let isStopping = false;
  let fail: (error: unknown) => void = () => undefined;
  const failure = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failure.catch(() => undefined);

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const askedAtMs = clock.nowMs();
    const body = await bodyOf(request);
    // Who gives up before the whole request has arrived has asked for nothing.
    if (body === 'broken') return;
    const reply = body === 'too large' ? TOO_LARGE : await answerRequest(bank, bankRequest(request, body));
    const delayMs = askedAtMs + bank.terms.latencyMs + reply.delayMs - clock.nowMs();
    if (delayMs > 0) await clock.sleep(delayMs);
    const wire = onTheWire(reply, clock.nowMs() + bank.terms.clockOffsetMs);
    if (wire === 'reset') response.socket?.resetAndDestroy();
    else if (wire !== 'silence') {
      const length = Buffer.byteLength(wire.body);
      if (isStopping) response.shouldKeepAlive = false;
      response.writeHead(wire.status, {
        ...wire.headers,
        'content-type': 'application/json',
        'content-length': length,
      });
      response.end(wire.body);
    } else if (isStopping) response.destroy();
    else {
      unanswered.add(response);
      response.once('close', () => unanswered.delete(response));
    }
  }

  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    answer(request, response).catch(fail);
  });
  await listening(server, host, port);
  return {
    url: urlOf(server.address() as AddressInfo),
    failure,
    close: async () => {
      isStopping = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const response of unanswered) response.destroy();
      const tooLong = setTimeout(() => server.closeAllConnections(), STOP_WITHIN_MS);
      await closed;
      clearTimeout(tooLong);
    },
  };
}

const TOO_LARGE: BankReply = refusalReply(
  'body_too_large',
  `more than ${LARGEST_BODY_BYTES} bytes; nothing was executed`,
);

function bankRequest({ method = '', url = '', headers }: IncomingMessage, body: string) {
  const key = headers[KEY_HEADER];
  return { method, path: url, headers: typeof key === 'string' ? { [KEY_HEADER]: key } : {}, body };
}

/** Reads all of it, keeping no more than may be. Plain listeners: an async iterator costs as much as the rest. */
function bodyOf(request: IncomingMessage): Promise<string | 'too large' | 'broken'> {
  return new Promise((resolve) => {
    let chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= LARGEST_BODY_BYTES) chunks.push(chunk);
      else chunks = [];
    });
    request.on('end', () => resolve(bytes > LARGEST_BODY_BYTES ? 'too large' : Buffer.concat(chunks).toString('utf8')));
    request.on('error', () => resolve('broken'));
    request.on('close', () => resolve('broken'));
  });
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(notServed(error, host, port)));
    server.listen({ host, port }, resolve);
  });
}

function notServed(cause: NodeJS.ErrnoException, host: string, port: number): BursarError {
  if (cause.code === 'EADDRINUSE') {
    return new BursarError('conflict', `Port ${port} of ${host} is in use. Nothing is served.`, {
      hint: 'Choose another with --port; 0 takes any that is free.',
      cause,
    });
  }
  const why = cause.code ?? cause.message;
  return new BursarError('invalid_value', `${host} port ${port} can't be served on (${why}). Nothing is served.`, {
    hint: 'Give an address of this machine with --host, and a port above 1023 with --port.',
    cause,
  });
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
