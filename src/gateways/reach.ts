// Whether a gateway can be reached, how long that took, and what it said.
import { BursarError } from '../errors.ts';
import type { Gateway } from './gateway.ts';

export interface Reach {
  name: string;
  ok: boolean;
  /** Milliseconds, to a tenth. */
  latencyMs: number;
  message: string;
}

const TIMEOUT_MS = 10_000;

/** Calls the gateway's own test; what it refuses is told, not thrown. `open` may refuse too: a simulated one on a live book. */
export async function testReach(name: string, open: () => Promise<Gateway>): Promise<Reach> {
  const startedAt = performance.now();
  const elapsed = (): number => Math.round((performance.now() - startedAt) * 10) / 10;
  try {
    const gateway = await open();
    const message = await gateway.test(AbortSignal.timeout(TIMEOUT_MS));
    return { name, ok: true, latencyMs: elapsed(), message };
  } catch (error) {
    if (!(error instanceof BursarError)) throw error;
    return { name, ok: false, latencyMs: elapsed(), message: error.message };
  }
}
