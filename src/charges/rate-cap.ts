// A gateway's rate cap, kept on our side, so that a provider whose limit is known never has to turn anything away (429).
// Sends are spread evenly, not let out once a second: a provider's bucket may be empty when a run begins.
import type { Clock } from '../clock.ts';
import type { ChargesContext } from './context.ts';

/** So many sends are spread over 5 ms more than a second: room for answers and requests that take unevenly long. */
const SECOND_MS = 1_005;
/** What is late by more is not caught up with: what a long pause has held back is spread anew. */
const LATE_MS = 500;
/** Late ones catch up at no more than this many times the cap. */
const CATCH_UP = 4;

/** A place in the line of those that are to be sent. */
export interface Place {
  /** When its turn should come, epoch milliseconds with fractions: when to be ready, not when it may go. */
  readonly atMs: number;
  /** Whether it may go out now; otherwise when to ask again. To be asked right before the send, and not again after 'now'. */
  take(): 'now' | number;
  /** Gives the place up, if it was not taken. */
  leave(): void;
}

/**
 * When the next send may go depends on those that went out, never on those that wait: whoever comes too late for its
 * moment goes as soon as there is room, so that something goes out however late everybody is.
 */
export class RateCap {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #spacingMs: number;
  /** When the next send is to go, if all are evenly spread. */
  #freeAtMs = Number.NEGATIVE_INFINITY;
  #lastSentMs = Number.NEGATIVE_INFINITY;
  /** When the last sends went out, as many as may in a second: a ring. */
  #sentAtMs: number[] = [];
  #sent = 0;
  #waiting = 0;
  #seenMs = Number.NEGATIVE_INFINITY;

  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond;
    this.#clock = clock;
    this.#spacingMs = SECOND_MS / perSecond;
  }

  /** A place behind those that wait. */
  reserve(): Place {
    const atMs = Math.max(this.#look(), this.#freeAtMs) + this.#waiting * this.#spacingMs;
    this.#waiting += 1;
    let isWaiting = true;
    const leave = (): void => {
      if (isWaiting) this.#waiting -= 1;
      isWaiting = false;
    };
    const take = (): 'now' | number => {
      const taken = this.#take();
      if (taken === 'now') leave();
      return taken;
    };
    return { atMs, take, leave };
  }

  #take(): 'now' | number {
    const nowMs = this.#look();
    // However late they come: no more in any second than the cap.
    const place = this.#sent % this.#perSecond;
    const secondAgoMs = this.#sentAtMs[place] ?? Number.NEGATIVE_INFINITY;
    const earliestMs = Math.max(this.#freeAtMs, secondAgoMs + SECOND_MS, this.#lastSentMs + this.#spacingMs / CATCH_UP);
    if (nowMs < earliestMs) return earliestMs;
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs - LATE_MS) + this.#spacingMs;
    this.#sentAtMs[place] = nowMs;
    this.#lastSentMs = nowMs;
    this.#sent += 1;
    return 'now';
  }

  /** The time, after allowing for a clock that was set or a process that stood still. */
  #look(): number {
    const nowMs = this.#clock.nowMs();
    const backMs = this.#seenMs - nowMs;
    if (backMs > 0 && this.#seenMs !== Number.NEGATIVE_INFINITY) {
      // Set back: what happened is as long ago as it was.
      this.#freeAtMs -= backMs;
      this.#lastSentMs -= backMs;
      this.#sentAtMs = this.#sentAtMs.map((atMs) => atMs - backMs);
    } else if (-backMs > LATE_MS) {
      // Nobody can tell whether so much time has passed: nothing is caught up with, so that the spread is even anyway.
      this.#freeAtMs = Math.max(this.#freeAtMs, nowMs);
    }
    this.#seenMs = nowMs;
    return nowMs;
  }
}

/** Answers with the cap of a gateway, the same one each time, or null where it has none. */
export function rateCaps({
  clock,
  gateway,
}: Pick<ChargesContext, 'clock' | 'gateway'>): (name: string) => Promise<RateCap | null> {
  const caps = new Map<string, RateCap | null>();
  return async (name) => {
    const known = caps.get(name);
    if (known !== undefined) return known;
    const { maxPerSecond } = (await gateway(name)).capabilities;
    // Asked for twice at once, it is still one.
    const cap = caps.get(name) ?? (maxPerSecond === null ? null : new RateCap(maxPerSecond, clock));
    caps.set(name, cap);
    return cap;
  };
}
