// Dispatching what is due: charges are opened hundreds in one commit, sent at most `concurrency` at a time, and refilled
// before the queue runs dry, so that a slow provider and the disk never wait for each other.
import PQueue from 'p-queue';
import { BursarError } from '../errors.ts';
import { isTooMany } from '../gateways/classifier.ts';
import type { Attempt } from './attempt.ts';
import type { Charge } from './charge.ts';
import { type DueCharge, type DueKind, dueCharges } from './charges-store.ts';
import type { Opened } from './open-request.ts';
import { Pace } from './pace.ts';
import type { Collected, Pipeline } from './pipeline.ts';

export interface CollectDue {
  kind: DueKind;
  /** Epoch milliseconds: what was due by then. */
  asOfMs: number;
  runId: string;
  concurrency: number;
  /** Asked before every page and right before every socket. */
  stopped: () => boolean;
  onOpened(charge: Charge): void;
  onCollected(collected: Collected): void;
  /** Its payment method was blocked: the charge is exhausted without an attempt. */
  onBlocked(charge: Charge): void;
  onRefused(error: BursarError): void;
}

/** Collects every charge that is due and free, once each. Throws the first fault of ours after all sends have ended. */
export async function collectDue(pipeline: Pipeline, work: CollectDue): Promise<void> {
  const { kind, asOfMs, runId, concurrency } = work;
  const pageSize = Math.min(1000, Math.max(64, concurrency * 8));
  const queue = new PQueue({ concurrency });
  const faults: unknown[] = [];
  const stopped = (): boolean => faults.length > 0 || pace.isHopeless || work.stopped();
  const pace = new Pace(queue, pipeline.context.clock, () => stopped());
  let after: DueCharge | undefined;
  while (!stopped()) {
    const page = await dueCharges(pipeline.context.book.reader, kind, asOfMs, runId, pageSize, after);
    if (page.length === 0) break;
    after = page.at(-1);
    // Submitted together, so that the group commit opens the whole page in one trx.
    const opened = await Promise.allSettled(
      page.map(({ id }) => pipeline.open({ kind: 'collect', chargeId: id, asOfMs, runId })),
    );
    for (const one of opened) {
      if (one.status === 'fulfilled') enqueue(one.value);
      else faults.push(one.reason);
    }
    await queue.onSizeLessThan(pageSize / 2);
  }
  await queue.onIdle();
  if (faults.length > 0) throw faults[0];

  function enqueue(opened: Opened): void {
    if (opened.kind === 'refused') work.onRefused(opened.error);
    else if (opened.kind === 'blocked') work.onBlocked(opened.charge);
    if (opened.kind !== 'opened') return;
    work.onOpened(opened.charge);
    send(opened.attempt, 0);
  }

  function send(attempt: Attempt, priority: number): void {
    const run = async (): Promise<void> => {
      try {
        const { wave } = pace;
        const collected = await pipeline.collectUnless((outcome) => pace.isForLater(outcome, wave), attempt, stopped);
        // Turned away for now: the same attempt goes out again, before those that have not been sent yet.
        if (collected === null) return send(attempt, 1);
        if (pace.isHopeless && collected.outcome !== null && isTooMany(collected.outcome)) {
          work.onRefused(keepsTurningAway(attempt.gateway));
        }
        work.onCollected(collected);
      } catch (error) {
        faults.push(error);
      }
    };
    void queue.add(run, { priority });
  }
}

function keepsTurningAway(gateway: string): BursarError {
  return new BursarError(
    'gateway_unreachable',
    `${gateway} keeps answering that there are too many requests (429). The run was stopped; what it was about stays due.`,
    { hint: 'Run it again later, with a lower --concurrency.' },
  );
}
