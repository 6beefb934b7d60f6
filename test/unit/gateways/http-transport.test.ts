// What breaks between us and a served bank, told so that the classifier can judge it.
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { classifyTransport } from '../../../src/gateways/classifier.ts';
import { httpTransport } from '../../../src/gateways/simulated/http-transport.ts';

let server: Server | null = null;
const sockets = new Set<Socket>();

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server?.close();
});

/** A server that hears a request and then does what it is told. */
async function urlOf(hear: (socket: Socket) => void): Promise<string> {
  server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.once('data', () => hear(socket));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

async function outcomeOf(url: string, signal = new AbortController().signal) {
  const transport = httpTransport(url);
  const call = transport.call({ method: 'POST', path: '/v1/x', headers: {}, body: '{}', signal });
  const outcome = await call.catch((error: unknown) => classifyTransport(error));
  await transport.close();
  return outcome;
}

test('a refused connection proves that nothing was sent', async () => {
  const url = await urlOf(() => undefined);
  server?.close();
  expect(await outcomeOf(url)).toMatchObject({ kind: 'rejected', reason: 'transport', providerCode: 'ECONNREFUSED' });
});

test.each([
  ['a reset', (socket: Socket) => socket.resetAndDestroy(), 'connection_reset'],
  ['an end without an answer', (socket: Socket) => socket.end(), 'connection_reset'],
  [
    'an answer that breaks off',
    (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"a"'),
    'connection_reset',
  ],
  ['what is no HTTP', (socket: Socket) => socket.end('+OK bank ready\r\n\r\n'), 'transport_error'],
])('%s after the request proves nothing', async (_, hear, reason) => {
  expect(await outcomeOf(await urlOf(hear))).toMatchObject({ kind: 'unknown', reason });
});

test('whoever gives up while no answer comes has sent', async () => {
  const controller = new AbortController();
  const url = await urlOf(() => controller.abort(new DOMException('no answer', 'TimeoutError')));
  expect(await outcomeOf(url, controller.signal)).toMatchObject({ kind: 'unknown' });
});

test('a redirect is an answer like any other: nothing is sent elsewhere', async () => {
  const url = await urlOf((socket) =>
    socket.end('HTTP/1.1 307 Moved\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n'),
  );
  expect(await outcomeOf(url)).toMatchObject({ status: 307, headers: { location: 'http://127.0.0.1:1/' }, body: '' });
});
