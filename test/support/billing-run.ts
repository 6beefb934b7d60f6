// A billing run in the test's own process, with nothing limited and nobody asked.
import { executeRun } from '../../src/billing/execute-run.ts';
import type { RunResult } from '../../src/billing/preview-run.ts';
import type { Pipeline } from '../../src/charges/pipeline.ts';

export function billingRun(pipeline: Pipeline, asOfMs: number): Promise<RunResult> {
  return executeRun(pipeline, {
    kind: 'billing',
    asOfMs,
    catchUp: { mode: 'all' },
    limits: { maxCount: null, maxAmount: new Map() },
    concurrency: 4,
    signal: new AbortController().signal,
    approve: async () => undefined,
    onStart: async () => undefined,
    onProgress: () => undefined,
  });
}
