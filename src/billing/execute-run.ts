// A run from beginning to end: resolve unknowns → check the limits → materialise due periods, collect what is due
// meanwhile → retry what is due → summary. Killed anywhere, the next run continues where this one stood.
import { appendAudit } from '../audit/audit.ts';
import { Sealing } from '../audit/sealing.ts';
import type { Attempt } from '../charges/attempt.ts';
import { countUnknownAttempts } from '../charges/attempts-store.ts';
import type { DueKind } from '../charges/charges-store.ts';
import { collectDue, freePages } from '../charges/collect-due.ts';
import { EVERY_GATEWAY, pauses } from '../charges/pauses-store.ts';
import type { Pipeline } from '../charges/pipeline.ts';
import { resolveOpenAttempts } from '../charges/recovery.ts';
import { pausedError } from '../charges/refusals.ts';
import { BursarError } from '../errors.ts';
import { assertRoom } from '../storage/room.ts';
import { writeTrx } from '../storage/trx.ts';
import { exceeded } from './limits.ts';
import { materialise } from './materialise.ts';
import { type RunOptions, type RunResult, startedRun, whatIsDue } from './preview-run.ts';
import { readAhead } from './read-ahead.ts';
import { countOutcome, type DueTotal, type Run, type StoppedBy } from './run.ts';
import { insertRun, interruptGoneRuns, updateRun } from './runs-store.ts';
import { clockMeanwhile, heldBackMeanwhile, interrupted, pausedMeanwhile, refusedOurs, stoppedByOf } from './stops.ts';

const PLANNING_LEASE = 'planning';
/** How long a second run waits for the first one's planning before it goes on with the dispatch they share. */
const PLANNING_WAIT_MS = 5_000;
/** How often it looks meanwhile for charges that the first one has made. */
const SHARE_EVERY_MS = 250;
const PAGE_CHARGES = 256;
/** Charges are made so many commits ahead of those that are opened: some thousand. */
const PAGES_AHEAD = 12;

export async function executeRun(pipeline: Pipeline, options: RunOptions): Promise<RunResult> {
  const { book, owner, author } = pipeline.context;
  const pausedAll = (await pauses(book.reader)).find(({ scope }) => scope === EVERY_GATEWAY);
  if (pausedAll !== undefined) throw pausedError('every gateway', pausedAll.reason);
  await pipeline.context.guard.assertMaySend(null);
  await assertRoom(book, await countUnknownAttempts(book.reader));
  const run = startedRun(pipeline, options, false);
  await owner.hold();
  await writeTrx(book, async (trx) => {
    const gone = await interruptGoneRuns(trx, run.startedAt);
    await insertRun(trx, run, owner.id, author.actor);
    await appendAudit(trx, author, run.startedAt, [
      ...gone.map((id) => ({
        subject: id,
        action: 'run.interrupt',
        before: { status: 'running' },
        result: 'interrupted',
      })),
      {
        subject: run.id,
        action: `${run.kind}.run`,
        after: { asOf: new Date(run.asOf).toISOString() },
        result: 'running',
      },
    ]);
  });
  const execution = new Execution(pipeline, options, run);
  try {
    await execution.run();
  } catch (error) {
    const noRoom = error instanceof BursarError && error.code === 'book_full' ? error : null;
    // The fault has the last word, even where it keeps the book from being told that the run is over.
    await finish(pipeline, execution.stop(noRoom === null ? 'fault' : 'no_room')).catch(() => undefined);
    if (noRoom === null) throw error;
    return execution.result(noRoom);
  }
  await finish(pipeline, run);
  return execution.result(execution.error);
}

class Execution {
  due: DueTotal[] = [];
  error: BursarError | null = null;
  #done = 0;
  readonly #pipeline: Pipeline;
  readonly #options: RunOptions;
  readonly #run: Run;
  readonly #sealing: Sealing;

  constructor(pipeline: Pipeline, options: RunOptions, run: Run) {
    const { book, clock } = pipeline.context;
    this.#sealing = new Sealing(book, clock);
    this.#pipeline = pipeline;
    this.#options = options;
    this.#run = run;
  }

  async run(): Promise<void> {
    const options = this.#options;
    const run = this.#run;
    const recovery = await resolveOpenAttempts(this.#pipeline, { runId: run.id, stopped: this.#stopped });
    run.counts.resolved = recovery.resolved;
    for (const error of recovery.errors) this.#note('configuration', error);
    if (this.#stopped()) return;
    const { totals } = await whatIsDue(this.#pipeline, options);
    this.due = totals;
    const over = exceeded(options.limits, totals);
    if (over !== null) {
      this.#stop(over.stoppedBy, over.error);
      return;
    }
    try {
      await options.approve(totals);
    } catch (error) {
      if (!(error instanceof BursarError)) throw error;
      this.#stop('not_confirmed', error);
      return;
    }
    await options.onStart(totals.reduce((sum, { count }) => sum + count, 0));
    try {
      if (options.kind === 'billing') await this.#collect('pending', this.#meanwhile());
      await this.#collect('retry');
    } finally {
      await this.#sealing.end();
    }
    if (this.#stopped()) return;
    // What was held back left charges due: the run went through the others, and says so by how it ends.
    run.status = run.stoppedBy === null ? 'finished' : 'stopped';
  }

  async result(error: BursarError | null): Promise<RunResult> {
    const unknownLeft = await countUnknownAttempts(this.#pipeline.context.book.reader);
    return { run: this.#run, due: this.due, error, unknownLeft };
  }

  stop(by: StoppedBy): Run {
    this.#run.stoppedBy ??= by;
    if (this.#run.status === 'running') this.#run.status = by === 'interrupted' ? 'interrupted' : 'stopped';
    return this.#run;
  }

  #stop(by: StoppedBy, error: BursarError): void {
    this.error ??= error;
    this.stop(by);
  }

  /** What held some charges back and not the others: the run goes on, and ends with it. */
  #note(by: StoppedBy, error: BursarError): void {
    this.error ??= error;
    this.#run.stoppedBy ??= by;
  }

  readonly #stopped = (): boolean => {
    if (this.#options.signal.aborted) this.#stop('interrupted', interrupted());
    return this.#run.status !== 'running';
  };

  /** Ids of charges that come up while others are collected: those that this run makes, and what another one makes. */
  async *#meanwhile(): AsyncGenerator<readonly string[]> {
    const { context } = this.#pipeline;
    const { owner, clock } = context;
    const work = {
      kind: 'pending',
      asOfMs: this.#options.asOfMs,
      runId: this.#run.id,
      stopped: this.#stopped,
    } as const;
    for (let deadline = clock.nowMs() + PLANNING_WAIT_MS; !(await owner.acquire(PLANNING_LEASE)); ) {
      // The other run is at it. Its charges are dispatched by both, as long as some are left for this one.
      if (clock.nowMs() > deadline || this.#stopped()) return;
      await clock.sleep(SHARE_EVERY_MS);
      const { due } = this.#run.counts;
      yield* freePages(context, work, PAGE_CHARGES);
      if (this.#run.counts.due > due) deadline = clock.nowMs() + PLANNING_WAIT_MS;
    }
    yield* readAhead(this.#materialise(), PAGES_AHEAD);
    yield* freePages(context, work, PAGE_CHARGES);
  }

  /** Makes charges of what is due, commit by commit, under the planning lease. */
  async *#materialise(): AsyncGenerator<readonly string[]> {
    const { asOfMs, catchUp } = this.#options;
    try {
      const work = { asOfMs, catchUp, runId: this.#run.id, stopped: this.#stopped };
      for await (const { chargeIds, skipped } of materialise(this.#pipeline.context, work)) {
        this.#run.counts.skipped += skipped;
        yield chargeIds;
      }
    } finally {
      await this.#pipeline.context.owner.yield(PLANNING_LEASE);
    }
  }

  async #collect(kind: DueKind, more?: AsyncIterable<readonly string[]>): Promise<void> {
    const { counts } = this.#run;
    await collectDue(this.#pipeline, {
      kind,
      asOfMs: this.#options.asOfMs,
      runId: this.#run.id,
      concurrency: this.#options.concurrency,
      ...(more === undefined ? {} : { more }),
      stopped: this.#stopped,
      onOpened: () => {
        counts.due += 1;
        if (kind === 'retry') counts.retried += 1;
      },
      onCollected: ({ attempt, charge }) => {
        countOutcome(this.#run, attempt, charge);
        this.#done += 1;
        this.#options.onProgress(this.#run, this.#done);
        this.#noteStop(attempt);
        this.#sealing.note();
      },
      onBlocked: () => {
        counts.due += 1;
        counts.declined += 1;
      },
      onRefused: (error) =>
        error.code === 'quarantined' ? this.#stop('quarantined', error) : this.#note(stoppedByOf(error), error),
    });
  }

  /** Our own configuration refused by the provider: everything after it would meet the same. */
  #noteStop(attempt: Attempt): void {
    if (attempt.outcome !== 'rejected' || attempt.declineClass !== 'ours') return;
    const code = attempt.declineCode ?? 'configuration';
    if (code === 'stopped' || code === 'key_too_old') return;
    if (code === 'paused') {
      this.#note('paused', pausedMeanwhile(attempt.gateway));
      return;
    }
    if (code === 'clock') {
      this.#note('clock', clockMeanwhile(attempt.gateway));
      return;
    }
    if (code === 'quarantined' || code === 'state_unwritable') {
      this.#stop(code === 'quarantined' ? code : 'configuration', heldBackMeanwhile(code));
      return;
    }
    this.#stop('configuration', refusedOurs(attempt.gateway, code));
  }
}

async function finish(pipeline: Pipeline, run: Run): Promise<void> {
  const { book, author, clock } = pipeline.context;
  const nowMs = clock.nowMs();
  run.finishedAt = nowMs;
  await writeTrx(book, async (trx) => {
    await updateRun(trx, run);
    await appendAudit(trx, author, nowMs, [
      {
        subject: run.id,
        action: `${run.kind}.run`,
        before: { status: 'running' },
        after: { counts: { ...run.counts }, capturedMinor: capturedOf(run), stoppedBy: run.stoppedBy },
        result: run.status,
      },
    ]);
  });
}

function capturedOf({ totals }: Run): Record<string, string> {
  return Object.fromEntries([...totals].map(([currency, minor]) => [currency, minor.toString()]));
}
