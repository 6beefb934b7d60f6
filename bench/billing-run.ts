// A billing run over due schedules as cron starts it: the whole process, sealing included, against a bank in a process of
// its own. The floor is no program but what the provider permits: 64 requests at a time that take 50 ms each are 1,280 a
// second, and a rate cap is what it says. BENCH_ROUNDS sets how often 100,000 are billed, which takes a minute and a half.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type BillingBook, makeBillingBook } from '../test/support/billing-book.ts';
import { BIN, runNode } from './child.ts';
import { median, report, reportLimit } from './rounds.ts';
import { serveBank } from './served-bank.ts';

const LATENCY_MS = 50;
const AT_A_TIME = 64;
const CAP_PER_SECOND = 100;
/** Customers pay with as many methods; ten schedules share one in the larger book. */
const METHODS = 10_000;
const GOAL = { atLeast: 0.98 };
const PEAK_MB = 200;
const SMALL = { schedules: 10_000, rounds: 5 };
const LARGE = { schedules: 100_000, rounds: Number(process.env.BENCH_ROUNDS ?? 1) };
const CAPPED = { schedules: Number(process.env.BENCH_CAPPED ?? 10_000), rounds: 1 };

const COUNT_REFUSALS = pathToFileURL(join(import.meta.dirname, 'count-refusals.mjs')).href;

export async function bench(): Promise<boolean> {
  const wide = { latencyMs: LATENCY_MS, perSecond: (AT_A_TIME * 1000) / LATENCY_MS, cap: null };
  const capped = { latencyMs: LATENCY_MS, perSecond: CAP_PER_SECOND, cap: CAP_PER_SECOND };
  const only = process.env.BENCH_ONLY;
  const met: boolean[] = [];
  if (only === undefined || only === 'small') met.push(await measure(SMALL, wide));
  if (only === undefined || only === 'large') met.push(await measure(LARGE, wide));
  if (only === undefined || only === 'capped') met.push(await measure(CAPPED, capped));
  return !met.includes(false);
}

interface Provider {
  latencyMs: number;
  /** What it permits. */
  perSecond: number;
  /** What it turns more than that away by, or null. */
  cap: number | null;
}

async function measure({ schedules, rounds }: typeof SMALL, provider: Provider): Promise<boolean> {
  const permittedMs = (schedules / provider.perSecond) * 1000;
  const ran: Billed[] = [];
  for (let round = 0; round < rounds; round += 1) ran.push(await billed(schedules, provider));
  const medianMs = median(ran.map(({ ms }) => ms));
  const met = [
    report(
      [
        { name: `the provider permits ${provider.perSecond}/s`, medianMs: permittedMs, ratio: 1, goal: null },
        { name: `billing run, ${rounds} rounds`, medianMs, ratio: medianMs / permittedMs, goal: GOAL },
      ],
      schedules,
    ),
    reportLimit('resident at most', Math.max(...ran.map(({ peakMb }) => peakMb)), 'MB', PEAK_MB),
    reportLimit('turned away (429)', Math.max(...ran.map(({ refusals }) => refusals)), '', 0),
  ];
  return !met.includes(false);
}

interface Billed {
  ms: number;
  peakMb: number;
  refusals: number;
}

/** One run over a new book. */
async function billed(schedules: number, provider: Provider): Promise<Billed> {
  const { folder, book, bank } = await prepare(schedules, provider);
  try {
    const refusalsFile = join(folder, 'refusals');
    const args = ['--import', COUNT_REFUSALS, BIN, 'billing', 'run', '--as-of', book.dueAfter(1), '--json'];
    spawnSync('sync');
    const { ms, peakMb, stdout } = await runNode(args, { cwd: folder, env: { BENCH_REFUSALS_FILE: refusalsFile } });
    const { counts } = JSON.parse(stdout) as { counts: { approved: number } };
    if (counts.approved !== schedules) throw new Error(`${counts.approved} of ${schedules} were approved`);
    return { ms, peakMb, refusals: Number(readFileSync(refusalsFile, 'utf8')) };
  } finally {
    bank.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Prepared {
  folder: string;
  book: BillingBook;
  bank: { stop(): void };
}

async function prepare(schedules: number, { latencyMs, cap }: Provider): Promise<Prepared> {
  const folder = mkdtempSync(join(tmpdir(), 'bursar-bench-'));
  const bank = await serveBank(folder, latencyMs, cap);
  const gateway = { url: bank.url, timeoutMs: 10_000, maxConcurrency: AT_A_TIME };
  const book = await makeBillingBook(folder, schedules, {
    tokens: ['tok_approved'],
    methodsPerToken: METHODS,
    gateway: cap === null ? gateway : { ...gateway, maxPerSecond: cap },
  });
  return { folder, book, bank };
}
