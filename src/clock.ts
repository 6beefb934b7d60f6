// The only places that read the time and draw random numbers; everything else takes these as ports.
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

/** Wall-clock time. Every timestamp in a book is integer milliseconds since the Unix epoch, in UTC. */
export interface Clock {
  nowMs(): number;
  /** Resolves after `durationMs`, or rejects with the signal's reason. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  sleep: async (durationMs, signal) => {
    await delay(durationMs, undefined, signal === undefined ? {} : { signal });
  },
};

/** A source of uniform numbers in [0, 1), seeded in tests. */
export type Random = () => number;

export const systemRandom: Random = () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48;
