// Resolving unknowns. An attempt whose owner is gone becomes unknown, never pending; then it is proved (prover.ts). What
// can't be proved is left for an operator.
import PQueue from 'p-queue';
import { BursarError } from '../errors.ts';
import type { Outcome } from '../gateways/gateway.ts';
import { chunks } from '../storage/batch.ts';
import type { Db } from '../storage/db.ts';
import { goneOwners } from '../storage/lease.ts';
import { writeTrx } from '../storage/trx.ts';
import type { Attempt } from './attempt.ts';
import { lockAttempts, openAttempts, updateAttempts } from './attempts-store.ts';
import type { ChargesContext } from './context.ts';
import type { Pipeline } from './pipeline.ts';
import type { ProofNote } from './proof.ts';
import { Prover } from './prover.ts';
import { settleAttempts } from './settle.ts';

const CONCURRENCY = 64;

export interface Recovery {
  /** Attempts that have an outcome now and had none. */
  resolved: number;
  /** Attempts that are still open: unknown, settling, or waiting for the customer. */
  open: number;
  /** Why some could not even be asked about (a gateway that is configured no more); they hold nothing else up. */
  errors: BursarError[];
}

export interface RecoveryOptions {
  /** The run that resolves: what it sends again, it does not try a second time. */
  runId?: string;
  stopped?: () => boolean;
}

/** Takes over every open attempt that no living process holds, and finds out what came of it. */
export async function resolveOpenAttempts(pipeline: Pipeline, options: RecoveryOptions = {}): Promise<Recovery> {
  const taken = await takeOver(pipeline.context);
  const recovery: Recovery = { resolved: 0, open: taken.length, errors: [] };
  if (taken.length === 0) return recovery;
  const prover = new Prover(pipeline, options.runId ?? null);
  const queue = new PQueue({ concurrency: CONCURRENCY });
  const bugs: unknown[] = [];
  const resolve = async (attempt: Attempt): Promise<void> => {
    try {
      const isStopped = options.stopped?.() === true;
      const settled = await (isStopped ? prover.release(attempt) : prover.prove(attempt));
      if (settled !== null && settled.attempt.settledAt !== null) recovery.resolved += 1;
    } catch (error) {
      const isUnknownGateway = error instanceof BursarError && error.code === 'unknown_gateway';
      const note: ProofNote | null = isUnknownGateway ? { tries: 0, result: 'no_gateway', nextAtMs: null } : null;
      await prover.release(attempt, note).catch((fault: unknown) => bugs.push(fault));
      if (error instanceof BursarError) recovery.errors.push(error);
      else bugs.push(error);
    }
  };
  await queue.addAll(taken.map((attempt) => () => resolve(attempt)));
  if (bugs.length > 0) throw bugs[0];
  recovery.open -= recovery.resolved;
  return recovery;
}

/** Claims the attempts under a new epoch, so that what their old owners still want to send is stopped. */
async function takeOver(context: ChargesContext): Promise<Attempt[]> {
  const open = await openAttempts(context.book.reader);
  if (open.length === 0) return [];
  await context.owner.hold();
  const taken: Attempt[] = [];
  for (const chunk of chunks(open)) {
    taken.push(...(await writeTrx(context.book, (trx) => claim(trx, context, chunk))));
  }
  return taken;
}

async function claim(trx: Db, context: ChargesContext, candidates: readonly Attempt[]): Promise<Attempt[]> {
  const current = [
    ...(
      await lockAttempts(
        trx,
        candidates.map(({ id }) => id),
      )
    ).values(),
  ];
  const owners = [...new Set(current.flatMap(({ ownerId }) => ownerId ?? []))];
  const gone = await goneOwners(trx, owners, context.clock.nowMs());
  const free = current.filter(
    ({ ownerId, settledAt }) => settledAt === null && (ownerId === null || gone.has(ownerId)),
  );
  const orphans = free.filter(({ outcome }) => outcome === null);
  await settleAttempts(
    trx,
    context,
    orphans.map(({ id }) => ({ attemptId: id, outcome: OWNER_GONE, source: 'send' })),
  );
  const mine = [
    ...(
      await lockAttempts(
        trx,
        free.map(({ id }) => id),
      )
    ).values(),
  ].map((was) => ({ was, now: { ...was, ownerId: context.owner.id, epoch: was.epoch + 1 } }));
  await updateAttempts(trx, mine);
  return mine.map(({ now }) => now);
}

const OWNER_GONE: Outcome = { kind: 'unknown', reason: 'owner_gone', providerCode: null, providerMessage: null };
