// How requests reach the bank. The embedded transport behaves like fetch, faults included, so that they go through the
// same classifier as a real provider's; another transport speaks HTTP to a bank that is served.
import type { Clock } from '../../clock.ts';
import { BursarError } from '../../errors.ts';
import type { HttpAnswer } from '../classifier.ts';
import { untilAborted } from '../deadline.ts';
import { type Bank, openBank } from './bank-desk.ts';
import { onTheWire } from './replies.ts';
import { answerRequest, type BankRequest } from './routes.ts';
import type { SimulatedConfig } from './terms.ts';

export interface BankTransport {
  /** Like fetch: rejects when the signal aborts, or with TypeError('fetch failed') over a socket error. */
  call(request: BankRequest & { signal: AbortSignal }): Promise<HttpAnswer>;
  close(): Promise<void>;
}

/** The bank in this process, opened at the first call. What was asked is executed even if the caller gives up. */
export function embeddedTransport(options: { path: string; clock: Clock; config: SimulatedConfig }): BankTransport {
  let opening: Promise<Bank> | null = null;
  return {
    async call({ signal, ...request }) {
      opening ??= openBank(options).catch((error: unknown) => {
        opening = null;
        throw unreachable(error);
      });
      return answerOver(await opening, options.clock, request, signal);
    },
    async close() {
      const bank = opening;
      opening = null;
      await (await bank)?.close();
    },
  };
}

/** The same over a bank that is open already, and stays open. */
export function transportTo(bank: Bank, clock: Clock): BankTransport {
  return {
    call: ({ signal, ...request }) => answerOver(bank, clock, request, signal),
    close: async () => undefined,
  };
}

async function answerOver(bank: Bank, clock: Clock, request: BankRequest, signal: AbortSignal): Promise<HttpAnswer> {
  signal.throwIfAborted();
  const reply = await answerRequest(bank, request);
  const delayMs = bank.terms.latencyMs + reply.delayMs;
  if (delayMs > 0 && !signal.aborted) await clock.sleep(delayMs, signal);
  signal.throwIfAborted();
  const answer = onTheWire(reply, clock.nowMs() + bank.terms.clockOffsetMs);
  if (answer === 'silence') return untilAborted(new Promise<never>(() => undefined), signal);
  if (answer === 'reset') throw fetchFailed('ECONNRESET', 'read ECONNRESET');
  return answer;
}

/** A bank whose file can't be opened is a host that refuses connections: nothing was sent. */
function unreachable(cause: unknown): Error {
  const message = cause instanceof BursarError || cause instanceof Error ? cause.message : 'the bank did not open';
  return fetchFailed('ECONNREFUSED', message, cause);
}

function fetchFailed(code: string, message: string, cause?: unknown): Error {
  const socketError = Object.assign(new Error(message, { cause }), { code });
  return new TypeError('fetch failed', { cause: socketError });
}
