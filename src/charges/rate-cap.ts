// A gateway's rate cap, kept on our side, so that a provider whose limit is known never has to turn anything away (429).
// Sends are spread evenly, not let out once a second: a provider's bucket may be empty when a run begins.
import type { Clock } from '../clock.ts';
import type { ChargesContext } from './context.ts';

/** So many sends are spread over 5 ms more than a second: room for answers and requests that take unevenly long. */
const SECOND_MS = 1_005;
/** A send that comes later than its moment by more has lost it: what a long pause has held back is spread anew. */
const LATE_MS = 500;
/** Late ones catch up at no more than this many times the cap. */
const CATCH_UP = 4;

export class RateCap {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #spacingMs: number;
  #nextAtMs = Number.NEGATIVE_INFINITY;
  #lastSentMs = Number.NEGATIVE_INFINITY;
  /** When the last sends went out, as many as may in a second: a ring. */
  readonly #sentAtMs: number[] = [];
  #sent = 0;

  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#clock = clock;
    this.#spacingMs = SECOND_MS / perSecond;
  }

  /** The next free moment, epoch milliseconds with fractions; it is given once. */
  reserve(): number {
    const atMs = Math.max(this.#clock.nowMs(), this.#nextAtMs);
    this.#nextAtMs = atMs + this.#spacingMs;
    return atMs;
  }

  /** Whether a send that has this moment may go out now; otherwise the moment that it has instead. */
  take(reservedMs: number): 'now' | number {
    const nowMs = this.#clock.nowMs();
    if (nowMs < reservedMs) return reservedMs;
    if (nowMs - reservedMs > LATE_MS) return this.reserve();
    // However late they come: no more in any second than the cap.
    const place = this.#sent % this.#perSecond;
    const secondAgoMs = this.#sentAtMs[place] ?? Number.NEGATIVE_INFINITY;
    const earliestMs = Math.max(secondAgoMs + SECOND_MS, this.#lastSentMs + this.#spacingMs / CATCH_UP);
    if (nowMs < earliestMs) return earliestMs;
    this.#sentAtMs[place] = nowMs;
    this.#lastSentMs = nowMs;
    this.#sent += 1;
    return 'now';
  }
}

/** Answers with the cap of a gateway, the same one each time, or null where it has none. */
export function rateCaps({
  clock,
  gateway,
}: Pick<ChargesContext, 'clock' | 'gateway'>): (name: string) => Promise<RateCap | null> {
  const caps = new Map<string, RateCap | null>();
  return async (name) => {
    const { maxPerSecond } = (await gateway(name)).capabilities;
    const known = caps.get(name);
    if (known !== undefined) return known;
    const cap = maxPerSecond === null ? null : new RateCap(maxPerSecond, clock);
    caps.set(name, cap);
    return cap;
  };
}
