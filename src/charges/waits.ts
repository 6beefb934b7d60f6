// Waiting for a moment, in a run that an operator may stop.
import type { Clock } from '../clock.ts';

/** A wait is looked into this often, so that Ctrl-C ends it. */
const STEP_MS = 100;

/** Resolves at `atMs`, epoch milliseconds, or soon after `stopped`; at the latest when so long was slept as it is from now. */
export async function waitUntil(clock: Clock, atMs: number, stopped: () => boolean): Promise<void> {
  let leftMs = atMs - clock.nowMs();
  while (leftMs > 0 && !stopped()) {
    const stepMs = Math.min(STEP_MS, Math.ceil(leftMs));
    await clock.sleep(stepMs);
    // By what was slept, too: a clock that is set back by an hour must not make the wait an hour longer.
    leftMs = Math.min(leftMs - stepMs, atMs - clock.nowMs());
  }
}
