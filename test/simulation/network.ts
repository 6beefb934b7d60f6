// Between a process and a bank: what gets lost, comes late or comes back broken. It also judges each request at the moment
// it leaves, against the book as it stands then, since no process may send what its book does not hold.
import type { Random } from '../../src/clock.ts';
import { BursarError } from '../../src/errors.ts';
import type { Gateway, GatewayRecord, GatewayRequest, Outcome } from '../../src/gateways/gateway.ts';
import type { ManualClock } from '../gateways/manual-clock.ts';
import type { Bank } from './banks.ts';
import type { Points, Released } from './points.ts';

/** The program's word for a process in the simulation, as far as the network knows one. */
export interface Sending {
  name: string;
  crash(what: string, random: Random): Promise<never>;
}

export interface NetworkPorts {
  points: Points;
  clock: ManualClock;
  /** Asked before the request leaves; false keeps it back. */
  judge(who: Sending, bank: Bank, request: GatewayRequest): Promise<boolean>;
  /** The bank's answer was to come again later: this send is known to have come to nothing, and needs no count. */
  onThrottled(request: GatewayRequest): void;
  /** Someone has read all that the bank lists. */
  onListed(bank: Bank): void;
}

/** A request that has left, or is about to, and has not arrived. */
interface OnTheWay {
  attemptId: string;
  /** Epoch milliseconds. */
  sinceMs: number;
}

/** A request can't stay on its way for longer than this. */
const LONGEST_WAY_MS = 20 * 60_000;

const NEVER = new Promise<never>(() => undefined);
const silent = { providerCode: null, providerMessage: null };
const unknown = (reason: string): Outcome => ({ kind: 'unknown', reason, ...silent });
const rejected = (reason: 'transport' | 'ours', providerCode: string, retryAfterMs: number | null = null): Outcome => ({
  kind: 'rejected',
  reason,
  providerCode,
  providerMessage: null,
  retryAfterMs,
});

export class Network {
  readonly #ports: NetworkPorts;
  readonly #onTheWay = new Set<OnTheWay>();

  constructor(ports: NetworkPorts) {
    this.#ports = ports;
  }

  isOnTheWay(attemptId: string): boolean {
    return [...this.#onTheWay].some((each) => each.attemptId === attemptId);
  }

  /** Time goes by: what would have been on its way for too long arrives or is lost before. */
  async pass(durationMs: number, random: Random): Promise<void> {
    const { points, clock } = this.#ports;
    const latestMs = clock.nowMs() + durationMs - LONGEST_WAY_MS;
    if ([...this.#onTheWay].some(({ sinceMs }) => sinceMs < latestMs)) {
      await points.all('send', random() < 0.5 ? 'deliver' : 'lose_request', random);
      await points.all('late', 'arrive_late', random);
    }
    clock.advance(durationMs);
  }

  /** The bank as this process reaches it. */
  gatewayFor(who: Sending, bank: Bank): Gateway {
    const { points, onListed } = this.#ports;
    const { gateway } = bank;
    const signal = new AbortController().signal;
    return {
      ...gateway,
      send: (request) => this.#send(who, bank, request),
      lookup: async (request) => {
        const { what, random } = await points.wait(who, 'lookup', `${who.name} ${bank.name}`);
        if (what === 'crash_in_lookup') return who.crash(what, random);
        if (what === 'lookup_unavailable') return { kind: 'unavailable', reason: 'timeout' };
        return points.during(gateway.lookup(request, signal));
      },
      listRecent: async function* (sinceMs) {
        const { what, random } = await points.wait(who, 'list', `${who.name} ${bank.name}`);
        if (what === 'crash_in_list') await who.crash(what, random);
        if (what === 'list_unavailable') throw new BursarError('gateway_unreachable', `${bank.name} does not answer.`);
        const records: GatewayRecord[] = [];
        const read = async (): Promise<void> => {
          for await (const record of gateway.listRecent(sinceMs)) records.push(record);
        };
        await points.during(read());
        yield* records;
        onListed(bank);
      },
      cancel: async (request) => {
        const { what, random } = await points.wait(who, 'cancel', `${who.name} ${bank.name}`);
        if (what === 'crash_in_cancel') return who.crash(what, random);
        if (what === 'cancel_unavailable') return { kind: 'unavailable', reason: 'timeout' };
        return points.during(gateway.cancel(request, signal));
      },
    };
  }

  async #send(who: Sending, bank: Bank, request: GatewayRequest): Promise<Outcome> {
    const { points } = this.#ports;
    const note = `${who.name} ${bank.name} ${request.operation}`;
    const isHeld = await points.during(this.#ports.judge(who, bank, request));
    // It may be on its way within a commit, which must not wait for it.
    if (!isHeld) throw new Error('a request that the book does not hold was sent');
    const message: OnTheWay = { attemptId: request.attemptId, sinceMs: this.#ports.clock.nowMs() };
    this.#onTheWay.add(message);
    const released = await points.wait(who, 'send', note, (random) => {
      // Killed while the request was on its way: it had left already, or never will.
      if (random() < 0.5) void this.#arriveLate(bank, request, message);
      else this.#onTheWay.delete(message);
    });
    const { what, random } = released;
    if (what === 'late_arrival') {
      void this.#arriveLate(bank, request, message);
      return unknown('timeout');
    }
    if (what !== 'deliver') this.#onTheWay.delete(message);
    if (what === 'throttle') this.#ports.onThrottled(request);
    if (what === 'crash_before_send') return who.crash(what, random);
    return what === 'deliver' ? this.#deliver(who, bank, request, message, random) : undelivered(released);
  }

  async #deliver(
    who: Sending,
    bank: Bank,
    request: GatewayRequest,
    message: OnTheWay,
    random: Random,
  ): Promise<Outcome> {
    const { points } = this.#ports;
    const outcome = await points.during(bank.perform(request, random));
    this.#onTheWay.delete(message);
    const answer = await points.wait(who, 'answer', `${who.name} ${bank.name} ${request.operation}`);
    switch (answer.what) {
      case 'lose_answer':
        return unknown('connection_reset');
      case 'garbage':
        return unknown('garbled_answer');
      case 'server_error':
        return unknown('server_error');
      case 'wrong_amount':
        return outcome.kind === 'approved' ? { ...outcome, amountMinor: outcome.amountMinor - 1n } : outcome;
      case 'crash_after_send':
        return who.crash(answer.what, answer.random);
      default:
        return outcome;
    }
  }

  /** The sender has given up on it, or has ended; it arrives all the same. */
  async #arriveLate(bank: Bank, request: GatewayRequest, message: OnTheWay): Promise<void> {
    const { points } = this.#ports;
    const { random } = await points.wait(null, 'late', `late ${bank.name} ${request.operation}`);
    await points.during(bank.perform(request, random));
    this.#onTheWay.delete(message);
  }
}

function undelivered({ what, random }: Released): Outcome {
  switch (what) {
    case 'refuse_connection':
      return rejected('transport', 'ECONNREFUSED');
    case 'throttle':
      return rejected('transport', 'http_429', random() < 0.5 ? null : 30_000);
    case 'unauthorized':
      return rejected('ours', 'http_401');
    default:
      return unknown('timeout');
  }
}

export const never = (): Promise<never> => NEVER;
