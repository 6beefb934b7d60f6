// A billing run over due schedules as cron starts it: the whole process, sealing included, against what the provider
// permits. The floor is no program: it is the time in which a provider that answers after 50 ms and takes 64 at a time
// could answer as many requests, or one second for as many as a rate cap allows.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeBillingBook } from '../test/support/billing-book.ts';
import { bursar, type Ran } from './child.ts';
import { reportLimit } from './rounds.ts';

const LATENCY_MS = 50;
const CONCURRENCY = 64;
const METHODS = 10_000;
const PEAK_MB = 200;
const SIZES = (process.env.BENCH_SIZES ?? '10000,100000').split(',').map(Number);

export async function bench(): Promise<boolean> {
  let met = true;
  for (const schedules of SIZES) {
    const ran = await billed(schedules);
    console.log(schedules, ran.ms, ran.peakMb, ((schedules / ran.ms) * 1000) / 1280);
    met = reportLimit(`peak, ${schedules}`, ran.peakMb, 'MB', PEAK_MB) && met;
  }
  return met;
}

async function billed(schedules: number): Promise<Ran> {
  const folder = mkdtempSync(join(tmpdir(), 'bursar-bench-'));
  try {
    const book = await makeBillingBook(folder, schedules, {
      tokens: ['tok_approved'],
      methodsPerToken: METHODS,
      gateway: { latencyMs: LATENCY_MS, maxConcurrency: CONCURRENCY, timeoutMs: 10_000 },
    });
    return await bursar(['billing', 'run', '--as-of', book.dueAfter(1), '--json'], { cwd: folder });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
