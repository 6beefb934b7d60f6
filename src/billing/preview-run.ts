// What a run is asked to do, what is due for it, and what it would charge, with nothing written or sent.
import { countUnknownAttempts } from '../charges/attempts-store.ts';
import { dueTotals } from '../charges/charges-store.ts';
import type { Pipeline } from '../charges/pipeline.ts';
import type { BursarError } from '../errors.ts';
import { newId } from '../ids.ts';
import { exceeded, type Limits } from './limits.ts';
import { dueTotalsOfSchedules } from './materialise.ts';
import type { CatchUp } from './periods.ts';
import { addTotals, type DueTotal, noCounts, type Run, type RunKind } from './run.ts';

export interface RunOptions {
  kind: RunKind;
  /** Epoch milliseconds: selects what is due; every timestamp is real. */
  asOfMs: number;
  catchUp: CatchUp;
  limits: Limits;
  concurrency: number;
  signal: AbortSignal;
  /** Asked with what is due before anything is materialised or opened; throws to stop the run. */
  approve(due: readonly DueTotal[]): Promise<void>;
  onStart(total: number): Promise<void>;
  onProgress(run: Run, done: number): void;
}

export interface RunResult {
  run: Run;
  due: DueTotal[];
  /** What stopped the run before it was through; the run itself is on the books. */
  error: BursarError | null;
  /** Attempts of the book that nobody knows the outcome of, after the run. */
  unknownLeft: number;
}

/** What a run at `asOfMs` would charge, with nothing written or sent. */
export async function previewRun(
  pipeline: Pipeline,
  options: Pick<RunOptions, 'kind' | 'asOfMs' | 'catchUp' | 'limits'>,
): Promise<RunResult> {
  const run = startedRun(pipeline, options, true);
  const { totals, skipped } = await whatIsDue(pipeline, options);
  run.counts.due = totals.reduce((sum, { count }) => sum + count, 0);
  run.counts.skipped = skipped;
  const over = exceeded(options.limits, totals);
  return {
    run: { ...run, status: 'finished', finishedAt: run.startedAt, stoppedBy: over?.stoppedBy ?? null },
    due: totals,
    error: over?.error ?? null,
    unknownLeft: await countUnknownAttempts(pipeline.context.book.reader),
  };
}

/** A run that begins now, with nothing counted. */
export function startedRun(
  pipeline: Pipeline,
  { kind, asOfMs }: Pick<RunOptions, 'kind' | 'asOfMs'>,
  dryRun: boolean,
): Run {
  const nowMs = pipeline.context.clock.nowMs();
  return {
    id: newId('run', nowMs),
    kind,
    status: 'running',
    dryRun,
    asOf: asOfMs,
    startedAt: nowMs,
    finishedAt: null,
    stoppedBy: null,
    counts: noCounts(),
    totals: new Map(),
  };
}

/** Due periods, pending charges and due retries at `asOfMs`, per currency; nothing is written. */
export async function whatIsDue(
  pipeline: Pipeline,
  { kind, asOfMs, catchUp }: Pick<RunOptions, 'kind' | 'asOfMs' | 'catchUp'>,
): Promise<{ totals: DueTotal[]; skipped: number }> {
  const { reader } = pipeline.context.book;
  if (kind === 'retries') return { totals: addTotals(await dueTotals(reader, ['retry'], asOfMs)), skipped: 0 };
  const periods = await dueTotalsOfSchedules(reader, asOfMs, catchUp);
  return {
    totals: addTotals([...periods.totals, ...(await dueTotals(reader, ['pending', 'retry'], asOfMs))]),
    skipped: periods.skipped,
  };
}
