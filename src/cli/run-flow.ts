// What `billing run` and `retries run` share: from flags to the run, its progress bar, its summary and its exit status.

import type { App } from '../app.ts';
import { executeRun } from '../billing/execute-run.ts';
import type { Limits } from '../billing/limits.ts';
import { type CatchUp, parseCatchUp } from '../billing/periods.ts';
import { previewRun, type RunOptions, type RunResult } from '../billing/preview-run.ts';
import type { RunKind } from '../billing/run.ts';
import { BursarError, EXIT, type ExitCode } from '../errors.ts';
import { parseMoneyLimit } from '../money/money.ts';
import { flagValue } from './flag-value.ts';
import { startProgress } from './progress.ts';
import { type Asker, confirm } from './prompts.ts';
import { keepHeapSmall } from './small-heap.ts';
import { parseTime } from './time-input.ts';
import { dueText } from './views/run-view.ts';

export interface RunFlags {
  'as-of'?: string | undefined;
  'dry-run': boolean;
  'catch-up'?: string | undefined;
  'max-count'?: number | undefined;
  'max-amount'?: string[] | undefined;
  concurrency?: number | undefined;
}

export interface RunEnvironment {
  app: App;
  asker: Asker;
  signal: AbortSignal;
  isSilent: boolean;
}

/** Does what the flags ask for. Throws for what is refused before the run begins. */
export async function runFlow(kind: RunKind, flags: RunFlags, environment: RunEnvironment): Promise<RunResult> {
  const { app, asker, signal, isSilent } = environment;
  const asOfMs = await asOfTime(app, flags);
  const pipeline = await app.pipeline();
  const options = { kind, asOfMs, catchUp: catchUpOf(flags), limits: limitsOf(flags) };
  if (flags['dry-run']) return previewRun(pipeline, options);
  let bar = {
    update: (_done: number, _counts: { approved: number; declined: number }): void => undefined,
    stop: (): void => undefined,
  };
  const live: RunOptions = {
    ...options,
    concurrency: flags.concurrency ?? mostConcurrency(app),
    signal,
    approve: async (due) => {
      if (app.book.mode === 'live' && due.length > 0) await confirm(asker, `Charge ${dueText(due)} on the live book?`);
    },
    onStart: async (total) => {
      bar = await startProgress(kind === 'billing' ? 'Billing' : 'Retrying', total, { isSilent });
    },
    onProgress: (run, done) => bar.update(done, run.counts),
  };
  keepHeapSmall();
  try {
    return await executeRun(pipeline, live);
  } finally {
    bar.stop();
  }
}

/** The run's exit status: 0 when it finished, whatever was declined. Where several apply: 7, 8, 4, 3. */
export function runExitCode({ run, error, unknownLeft }: RunResult, failOnDecline: boolean): ExitCode {
  if (error !== null) return error.exitCode;
  if (unknownLeft > 0 && !run.dryRun) return EXIT.pending;
  return failOnDecline && run.counts.declined > 0 ? EXIT.declined : EXIT.done;
}

async function asOfTime(app: App, flags: RunFlags): Promise<number> {
  const nowMs = app.clock.nowMs();
  if (flags['as-of'] === undefined) return nowMs;
  const asOfMs = await parseTime('--as-of', flags['as-of'], app.timezone);
  if (asOfMs > nowMs && app.book.mode === 'live' && !flags['dry-run']) {
    throw new BursarError(
      'usage',
      'A live book is billed for a future time only with --dry-run. Nothing was charged.',
      {
        hint: 'Add --dry-run to see what would be due then.',
      },
    );
  }
  return asOfMs;
}

const catchUpOf = (flags: RunFlags): CatchUp => parseCatchUp(flags['catch-up'] ?? 'all');

function limitsOf(flags: RunFlags): Limits {
  const maxAmount = new Map<string, bigint>();
  for (const text of flags['max-amount'] ?? []) {
    const { currency, amountMinor } = flagValue('--max-amount', () => parseMoneyLimit(text));
    if (maxAmount.has(currency)) {
      throw new BursarError('usage', `--max-amount names ${currency} twice. Nothing was done.`, {
        hint: 'Give one limit per currency.',
      });
    }
    maxAmount.set(currency, amountMinor);
  }
  return { maxCount: flags['max-count'] ?? null, maxAmount };
}

/** As many at a time as the most patient of the configured gateways takes; each gateway's own limit is its own business. */
function mostConcurrency(app: App): number {
  const limits = Object.values(app.gatewayConfigs).map(({ maxConcurrency }) => maxConcurrency ?? 64);
  return Math.max(1, ...limits);
}
