// Asks the gateways what became of charges, and settles what changed. It moves no money: nothing is sent, closed or claimed,
// so it may run at any time, also while sending is paused.
import PQueue from 'p-queue';
import { BursarError } from '../errors.ts';
import { chunks } from '../storage/batch.ts';
import { goneOwners } from '../storage/lease.ts';
import { writeTrx } from '../storage/trx.ts';
import { type Attempt, hasFailedLate, isOpen, requestOf } from './attempt.ts';
import { attemptsOfCharges, lockAttempts, openAttempts, updateAttempts } from './attempts-store.ts';
import type { ChargesContext } from './context.ts';
import type { Pipeline } from './pipeline.ts';
import { absenceCountsAtMs, noted, type ProofNote } from './proof.ts';
import { chargesRefundedSince } from './refunds-store.ts';
import { checkedAmount } from './send.ts';

const CONCURRENCY = 64;
/** How long a refund may still fail after it was approved: bank transfers that come back do so within weeks. */
const REFUND_WATCH_MS = 30 * 24 * 3_600_000;

export interface Synced {
  /** How many attempts the gateways were asked about. */
  asked: number;
  changed: { before: Attempt; after: Attempt }[];
  /** Asked about, and open still. */
  open: Attempt[];
  /** The gateway did not answer, or is configured no more. */
  unanswered: { attempt: Attempt; reason: string }[];
}

/**
 * Asks about every attempt of these charges that may have come out otherwise than the book says: open ones, those that
 * failed (a late approval), refunds that were approved (a late failure). `null`: every charge with an open attempt or
 * with a refund that succeeded within the last 30 days, and of those only the open attempts and the refunds.
 */
export async function syncCharges(pipeline: Pipeline, chargeIds: readonly string[] | null): Promise<Synced> {
  const attempts = await attemptsToAsk(pipeline.context, chargeIds);
  const synced: Synced = { asked: attempts.length, changed: [], open: [], unanswered: [] };
  const tried: { attemptId: string; note: ProofNote }[] = [];
  const queue = new PQueue({ concurrency: CONCURRENCY });
  await queue.addAll(attempts.map((attempt) => () => ask(pipeline, attempt, synced, tried)));
  await noteTries(pipeline.context, tried);
  return synced;
}

async function attemptsToAsk(context: ChargesContext, chargeIds: readonly string[] | null): Promise<Attempt[]> {
  const { reader } = context.book;
  const nowMs = context.clock.nowMs();
  const refunded = chargeIds === null ? await chargesRefundedSince(reader, nowMs - REFUND_WATCH_MS) : [];
  const ofCharges = await attemptsOfCharges(reader, chargeIds ?? refunded);
  const candidates = new Map([...ofCharges.values()].flat().map((attempt) => [attempt.id, attempt]));
  if (chargeIds === null) for (const attempt of await openAttempts(reader)) candidates.set(attempt.id, attempt);
  const owners = [...new Set([...candidates.values()].flatMap(({ ownerId }) => ownerId ?? []))];
  const gone = await goneOwners(reader, owners, nowMs);
  return [...candidates.values()].filter((attempt) => {
    // A process that lives settles its attempt itself.
    if (isOpen(attempt)) return attempt.ownerId === null || gone.has(attempt.ownerId);
    if (attempt.operation === 'refund' && attempt.outcome === 'approved') return true;
    const mayHaveSucceeded = attempt.outcome === 'declined' || attempt.outcome === 'rejected';
    return chargeIds !== null && mayHaveSucceeded && !hasFailedLate(attempt);
  });
}

async function ask(
  pipeline: Pipeline,
  attempt: Attempt,
  synced: Synced,
  tried: { attemptId: string; note: ProofNote }[],
): Promise<void> {
  const leave = (result: ProofNote['result'], nextAtMs: number | null = null): void => {
    if (!isOpen(attempt)) return;
    synced.open.push(attempt);
    tried.push({ attemptId: attempt.id, note: { tries: 1, result, nextAtMs } });
  };
  try {
    const gateway = await pipeline.context.gateway(attempt.gateway);
    const lookup = await gateway.lookup(requestOf(attempt), new AbortController().signal);
    if (lookup.kind === 'unavailable') {
      leave('unavailable');
      synced.unanswered.push({ attempt, reason: lookup.reason });
      return;
    }
    if (lookup.kind === 'absent') {
      const countsAtMs = absenceCountsAtMs(attempt, gateway.capabilities);
      if (pipeline.context.clock.nowMs() < countsAtMs) leave('absent_within_lag', countsAtMs);
      else leave('absent');
      return;
    }
    const outcome = checkedAmount(attempt, lookup.outcome);
    if (outcome.kind === 'unknown') return leave('mismatch');
    if (outcome.kind === attempt.outcome && (outcome.kind === 'settling' || outcome.kind === 'requires_action')) {
      return leave(outcome.kind);
    }
    const proof: ProofNote = { tries: 1, result: 'found', nextAtMs: null };
    const settled = await pipeline.settle({ attemptId: attempt.id, outcome, source: 'lookup', proof });
    if (settled.attempt.outcome !== attempt.outcome) synced.changed.push({ before: attempt, after: settled.attempt });
    if (isOpen(settled.attempt)) synced.open.push(settled.attempt);
  } catch (error) {
    if (!(error instanceof BursarError && error.code === 'unknown_gateway')) throw error;
    if (isOpen(attempt)) synced.open.push(attempt);
    synced.unanswered.push({ attempt, reason: error.message });
  }
}

/** What was tried for those that stay open, as far as they still are. */
async function noteTries(
  { book, clock }: ChargesContext,
  tried: readonly { attemptId: string; note: ProofNote }[],
): Promise<void> {
  for (const chunk of chunks(tried)) {
    await writeTrx(book, async (trx) => {
      const current = await lockAttempts(
        trx,
        chunk.map(({ attemptId }) => attemptId),
      );
      const nowMs = clock.nowMs();
      const open = chunk.flatMap(({ attemptId, note }) => {
        const attempt = current.get(attemptId);
        if (attempt === undefined || !isOpen(attempt) || attempt.ownerId !== null) return [];
        return { was: attempt, now: noted(attempt, note, nowMs) };
      });
      await updateAttempts(trx, open);
    });
  }
}
