// A billing run over due schedules as cron starts it: the whole process, sealing included, against a bank in a process of
// its own. The floor is no program but what the provider permits: 64 requests at a time that take 50 ms each are 1,280 a
// second, and a rate cap is what it says. What a client without a book gets out of the same bank stands beside it, since
// they share a machine. BENCH_ROUNDS sets how often 100,000 are billed, which takes a minute and a half.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type BillingBook, makeBillingBook } from '../test/support/billing-book.ts';
import { bareClient } from './bare-client.ts';
import { BIN, runNode } from './child.ts';
import { type Goal, median, report, reportLimit, type Timed } from './rounds.ts';
import { serveBank } from './served-bank.ts';

const LATENCY_MS = 50;
const AT_A_TIME = 64;
const CAP_PER_SECOND = 100;
/** Customers pay with as many methods; ten schedules share one in the larger book. */
const METHODS = 10_000;
const GOAL = { atLeast: 0.98 };
const BARE_REQUESTS = 20_000;
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
  const timed = (name: string, medianMs: number, goal: Goal | null = null): Timed => {
    return { name, medianMs, ratio: medianMs / permittedMs, goal };
  };
  const bare = ran.flatMap(({ bareMs }) => bareMs ?? []);
  const met = [
    report(
      [
        timed(`the provider permits ${provider.perSecond}/s`, permittedMs),
        ...(bare.length > 0 ? [timed('a client without a book', median(bare))] : []),
        timed(`billing run, ${rounds} rounds`, median(ran.map(({ ms }) => ms)), GOAL),
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
  /** As many requests by a bare client; of a provider without a cap. */
  bareMs: number | null;
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
    const bareMs = provider.cap === null ? await bareMsFor(bank.url, schedules) : null;
    return { ms, bareMs, peakMb, refusals: Number(readFileSync(refusalsFile, 'utf8')) };
  } finally {
    bank.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What `count` requests would take, by a part of them. */
async function bareMsFor(url: string, count: number): Promise<number> {
  const asked = Math.min(count, BARE_REQUESTS);
  return ((await bareClient(url, asked, AT_A_TIME)) * count) / asked;
}

interface Prepared {
  folder: string;
  book: BillingBook;
  bank: { url: string; stop(): void };
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
