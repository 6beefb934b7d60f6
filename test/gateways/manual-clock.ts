// A clock that moves only when a test, or a sleep, moves it.
import type { Clock } from '../../src/clock.ts';

export interface ManualClock extends Clock {
  advance(durationMs: number): void;
}

export function manualClock(startMs = Date.UTC(2026, 0, 15, 12)): ManualClock {
  let nowMs = startMs;
  return {
    nowMs: () => nowMs,
    sleep: async (durationMs, signal) => {
      signal?.throwIfAborted();
      nowMs += durationMs;
    },
    advance: (durationMs) => {
      nowMs += durationMs;
    },
  };
}
