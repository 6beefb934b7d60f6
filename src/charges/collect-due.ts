// Dispatching what is due: charges are opened hundreds in one commit and sent at most `concurrency` at a time. What comes
// before a send and after its answer takes no socket: a charge is checked while those before it are under way, and
// settled while those behind it are, so that a provider, the disk and we never wait for each other.
import PQueue from 'p-queue';
import { BursarError } from '../errors.ts';
import { isTooMany } from '../gateways/classifier.ts';
import { chunks } from '../storage/batch.ts';
import type { Attempt } from './attempt.ts';
import type { Charge } from './charge.ts';
import { type DueCharge, type DueKind, dueCharges } from './charges-store.ts';
import type { Opened } from './open-request.ts';
import { Pace } from './pace.ts';
import type { Collected, Pipeline } from './pipeline.ts';
import { type Place, rateCaps } from './rate-cap.ts';
import type { Turn } from './send.ts';
import { waitUntil } from './waits.ts';

export interface CollectDue {
  kind: DueKind;
  /** Epoch milliseconds: what was due by then. */
  asOfMs: number;
  runId: string;
  concurrency: number;
  /** Ids of charges that become due while this goes on, page by page; they come after those that are due already. */
  more?: AsyncIterable<readonly string[]>;
  /** Asked before every page and right before every socket. */
  stopped: () => boolean;
  onOpened(charge: Charge): void;
  onCollected(collected: Collected): void;
  /** Its payment method was blocked: the charge is exhausted without an attempt. */
  onBlocked(charge: Charge): void;
  onRefused(error: BursarError): void;
}

/** Answers in hand that are not in the book yet; where the disk is slower than the provider, sends wait for it. */
const MOST_UNSETTLED = 1000;

/** Collects every charge that is due and free, once each. Throws the first fault of ours after all sends have ended. */
export async function collectDue(pipeline: Pipeline, work: CollectDue): Promise<void> {
  const { concurrency } = work;
  // Opened in one commit, and again before those that wait are fewer than six rounds of sends.
  const pageSize = Math.min(1000, Math.max(64, concurrency * 4));
  const fewest = Math.min(1000, Math.max(32, concurrency * 6));
  const sockets = new PQueue({ concurrency });
  const flow = new PQueue({ concurrency: concurrency + checkedAhead(concurrency) });
  const faults: unknown[] = [];
  const stopped = (): boolean => faults.length > 0 || pace.isHopeless || work.stopped();
  const pace = new Pace(sockets, pipeline.context.clock, () => stopped());
  const capOf = rateCaps(pipeline.context);
  const underWay = new Set<Promise<void>>();
  let unsettled = 0;
  try {
    for await (const ids of duePages(pipeline, work, pageSize)) {
      if (stopped()) break;
      // Submitted together, so that the group commit opens the whole page in one trx.
      const opened = await Promise.allSettled(
        ids.map((chargeId) => pipeline.open({ kind: 'collect', chargeId, asOfMs: work.asOfMs, runId: work.runId })),
      );
      for (const one of opened) {
        if (one.status === 'fulfilled') enqueue(one.value);
        else faults.push(one.reason);
      }
      await flow.onSizeLessThan(fewest);
      if (stopped()) break;
    }
  } catch (error) {
    faults.push(error);
  }
  await flow.onIdle();
  while (underWay.size > 0) await Promise.all(underWay);
  if (faults.length > 0) throw faults[0];

  function enqueue(opened: Opened): void {
    if (opened.kind === 'refused') work.onRefused(opened.error);
    else if (opened.kind === 'blocked') work.onBlocked(opened.charge);
    if (opened.kind !== 'opened') return;
    work.onOpened(opened.charge);
    send(opened.attempt, 0);
  }

  function send(attempt: Attempt, priority: number): void {
    void flow.add(
      () =>
        new Promise<void>((leave) => {
          const collecting = collect(attempt, priority, leave).finally(() => {
            underWay.delete(collecting);
            leave();
          });
          underWay.add(collecting);
        }),
      { priority },
    );
  }

  function until(atMs: number): Promise<void> {
    return waitUntil(pipeline.context.clock, atMs, stopped);
  }

  /** `leave` lets the next one into the flow; at the latest this is done by the end. */
  async function collect(attempt: Attempt, priority: number, leave: () => void): Promise<void> {
    let isForLater = false;
    let isUnsettled = false;
    let place: Place | undefined;
    const turn: Turn = async (sendNow) => {
      if (place !== undefined) await until(place.atMs);
      const sent = await sockets.add(
        async () => {
          let wave = 0;
          const came = await sendNow(() => {
            const taken = place?.take();
            if (typeof taken === 'number' && !stopped()) return until(taken);
            wave = pace.wave;
            return null;
          });
          // Before the socket is free for another: that one would be turned away as well.
          if (came.kind === 'answered') isForLater = pace.isForLater(came.outcome, wave);
          return came;
        },
        { priority },
      );
      isUnsettled = true;
      unsettled += 1;
      if (unsettled < MOST_UNSETTLED) leave();
      return sent;
    };
    try {
      place = (await capOf(attempt.gateway))?.reserve();
      if (place !== undefined) await until(place.atMs - CHECKED_BEFORE_MS);
      const collected = await pipeline.collectUnless(() => isForLater, attempt, stopped, turn);
      // Turned away for now: the same attempt goes out again, before those that have not been sent yet.
      if (collected === null) return send(attempt, 1);
      if (pace.isHopeless && collected.outcome !== null && isTooMany(collected.outcome)) {
        work.onRefused(keepsTurningAway(attempt.gateway));
      }
      work.onCollected(collected);
    } catch (error) {
      faults.push(error);
    } finally {
      place?.leave();
      if (isUnsettled) unsettled -= 1;
    }
  }
}

/** A socket of a capped gateway isn't free before its moment; the checks are made shortly before. */
const CHECKED_BEFORE_MS = 100;

/** So many more than there are sockets have been checked, or are being checked, so that one of them is ready to go. */
function checkedAhead(concurrency: number): number {
  return concurrency < 8 ? 0 : Math.floor(concurrency / 2);
}

async function* duePages({ context }: Pipeline, work: CollectDue, size: number): AsyncGenerator<readonly string[]> {
  yield* freePages(context, work, size);
  if (work.more === undefined) return;
  for await (const page of work.more) yield* chunks(page, size);
}

/** Ids of charges that are due now and that this run has not tried, in the order in which they fell due. */
export async function* freePages(
  { book }: Pick<Pipeline['context'], 'book'>,
  { kind, asOfMs, runId, stopped }: Pick<CollectDue, 'kind' | 'asOfMs' | 'runId' | 'stopped'>,
  size: number,
): AsyncGenerator<readonly string[]> {
  let after: DueCharge | undefined;
  while (!stopped()) {
    const page = await dueCharges(book.reader, kind, asOfMs, runId, size, after);
    if (page.length === 0) return;
    after = page.at(-1);
    yield page.map(({ id }) => id);
  }
}

function keepsTurningAway(gateway: string): BursarError {
  return new BursarError(
    'gateway_unreachable',
    `${gateway} keeps answering that there are too many requests (429). The run was stopped; what it was about stays due.`,
    { hint: 'Run it again later, with a lower --concurrency.' },
  );
}
