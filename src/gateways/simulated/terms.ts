// The settings of a simulated gateway (`gateways.<name>` in the configuration) and what holds where one is left out.

/** As in the configuration file; `settlingMs` is for tests. */
export interface SimulatedConfig {
  /** Where the bank is served; without it the bank is in this process, in a file beside the book. */
  url?: string | undefined;
  timeoutMs?: number | undefined;
  latencyMs?: number | undefined;
  seed?: number | undefined;
  keyRetentionMs?: number | undefined;
  maxConcurrency?: number | undefined;
  maxPerSecond?: number | undefined;
  rateLimitPerSecond?: number | undefined;
  listLagMs?: number | undefined;
  settlingMs?: number | undefined;
  clockOffsetMs?: number | undefined;
  paymentObject?: 'charge' | 'attempt' | undefined;
}

/** What the bank itself goes by. */
export interface BankTerms {
  /** Between executing a request and answering it. */
  latencyMs: number;
  /** Of the draws of `tok_flaky`. */
  seed: number;
  /** How long a key replays its answer; after that it would execute again. */
  keyRetentionMs: number;
  rateLimitPerSecond: number | null;
  /** How long lookups and lists do not yet show what was executed. */
  listLagMs: number;
  /** How long `tok_settling` takes, and after how long refunds of `tok_refund_fails_late` fail. */
  settlingMs: number;
  /** What the Date header of its answers is off by: for drills. */
  clockOffsetMs: number;
}

export function bankTerms(config: SimulatedConfig): BankTerms {
  return {
    latencyMs: config.latencyMs ?? 0,
    seed: config.seed ?? 1,
    keyRetentionMs: config.keyRetentionMs ?? 24 * 3_600_000,
    rateLimitPerSecond: config.rateLimitPerSecond ?? null,
    listLagMs: config.listLagMs ?? 0,
    settlingMs: config.settlingMs ?? 1_000,
    clockOffsetMs: config.clockOffsetMs ?? 0,
  };
}
