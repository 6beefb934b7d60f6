// Resolving unknowns. An attempt whose owner is gone becomes unknown, never pending; then it is proved, in this order:
// what the provider says of the stored request; the same key and body once more; its payment object closed, so that
// neither the request nor a late copy of it can be executed. What can't be proved is left for an operator.

import PQueue from 'p-queue';
import { type AuditEntry, appendAudit } from '../audit/audit.ts';
import { BursarError } from '../errors.ts';
import type { Gateway, Outcome } from '../gateways/gateway.ts';
import { chunks } from '../storage/batch.ts';
import type { Db } from '../storage/db.ts';
import { isConstraintError } from '../storage/dialect.ts';
import { GroupCommit } from '../storage/group-commit.ts';
import { goneOwners } from '../storage/lease.ts';
import { writeTrx } from '../storage/trx.ts';
import { type Attempt, type NewsSource, requestOf } from './attempt.ts';
import { lockAttempts, openAttempts, releaseAttempts, updateAttempts } from './attempts-store.ts';
import { auditSubject } from './charge-audit.ts';
import { lockCharges, updateCharges } from './charges-store.ts';
import type { ChargesContext } from './context.ts';
import { pauseFor, pauses } from './pauses-store.ts';
import type { Pipeline } from './pipeline.ts';
import { checkedAmount, resendWindowMs, Sender } from './send.ts';
import { type Settled, settleAttempts } from './settle.ts';

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
      const settled = options.stopped?.() === true ? null : await prover.prove(attempt);
      if (settled === null) await prover.release(attempt);
      else if (settled.attempt.settledAt !== null) recovery.resolved += 1;
    } catch (error) {
      await prover.release(attempt).catch((fault: unknown) => bugs.push(fault));
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
  ].map((attempt) => ({
    ...attempt,
    ownerId: context.owner.id,
    epoch: attempt.epoch + 1,
  }));
  await updateAttempts(trx, mine);
  return mine;
}

const OWNER_GONE: Outcome = { kind: 'unknown', reason: 'owner_gone', providerCode: null, providerMessage: null };

const PROVED_ABSENT: Outcome = {
  kind: 'rejected',
  reason: 'transport',
  providerCode: 'proved_absent',
  providerMessage: null,
  retryAfterMs: null,
};

class Prover {
  readonly #runId: string | null;
  readonly #pipeline: Pipeline;
  readonly #context: ChargesContext;
  readonly #sender: Sender;
  readonly #resends: GroupCommit<Attempt, Attempt | null>;
  readonly #releases: GroupCommit<Attempt, undefined>;

  constructor(pipeline: Pipeline, runId: string | null) {
    this.#runId = runId;
    this.#pipeline = pipeline;
    this.#context = pipeline.context;
    this.#sender = new Sender(pipeline.context);
    const { book } = pipeline.context;
    const grouped = { maxBatch: 1000, splitOn: isConstraintError };
    this.#resends = new GroupCommit({
      ...grouped,
      commit: (batch) => pipeline.context.guard.commit((trx) => this.#countResends(trx, batch)),
    });
    this.#releases = new GroupCommit({
      ...grouped,
      commit: (batch) => writeTrx(book, (trx) => this.#giveBack(trx, batch)),
    });
  }

  /** Gives an attempt back that nothing was found out about. */
  release(attempt: Attempt): Promise<undefined> {
    return this.#releases.submit(attempt);
  }

  /** `null`: nothing new is known. */
  async prove(attempt: Attempt): Promise<Settled | null> {
    const gateway = await this.#context.gateway(attempt.gateway);
    const { signal } = new AbortController();
    const lookup = await gateway.lookup(requestOf(attempt), signal);
    await this.#context.guard.sawClock(gateway);
    if (lookup.kind === 'unavailable') return null;
    if (lookup.kind === 'found') {
      const outcome = checkedAmount(attempt, lookup.outcome);
      // Still settling, still waiting, or still unknown: no news.
      return outcome.kind === attempt.outcome ? null : this.#settle(attempt, outcome, 'lookup');
    }
    // Only an unknown may be sent again: settling and requires_action have been answered by the provider.
    if (attempt.outcome !== 'unknown') return null;
    const resent = await this.#resend(attempt, gateway);
    if (resent !== null && resent.attempt.settledAt !== null) return resent;
    if (gateway.capabilities.absenceProof !== 'cancel') return resent;
    // A book that may not send must not close anything at the provider either.
    if ((await this.#context.guard.letOut()).refusal(attempt.gateway) !== null) return resent;
    const closed = await gateway.cancel(requestOf(attempt), signal);
    if (closed.kind === 'executed') return this.#settle(attempt, checkedAmount(attempt, closed.outcome), 'lookup');
    return closed.kind === 'closed' ? this.#settle(attempt, PROVED_ABSENT, 'cancel') : resent;
  }

  #settle(attempt: Attempt, outcome: Outcome, source: NewsSource): Promise<Settled> {
    return this.#pipeline.settle({ attemptId: attempt.id, outcome, source });
  }

  /** The same key and body once more, counted durably before it leaves. `null`: not allowed any more. */
  async #resend(attempt: Attempt, gateway: Gateway): Promise<Settled | null> {
    const ageMs = this.#context.clock.nowMs() - attempt.firstSentAt;
    if (ageMs > resendWindowMs(gateway.capabilities.keyRetentionMs)) return null;
    if (pauseFor(await pauses(this.#context.book.reader), attempt.gateway) !== undefined) return null;
    const { guard, book } = this.#context;
    if ((await guard.standing(book.reader)).refusal(attempt.gateway) !== null) return null;
    const counted = await this.#resends.submit(attempt);
    if (counted === null) return null;
    const sent = await this.#sender.send(counted);
    return sent.kind === 'lost' ? null : this.#settle(attempt, sent.outcome, 'send');
  }

  async #countResends(trx: Db, attempts: readonly Attempt[]): Promise<(Attempt | null)[]> {
    const nowMs = this.#context.clock.nowMs();
    const current = await lockAttempts(
      trx,
      attempts.map(({ id }) => id),
    );
    const counted = attempts.map(({ id, epoch }) => {
      const attempt = current.get(id);
      if (attempt?.ownerId !== this.#context.owner.id || attempt.epoch !== epoch) return null;
      return { ...attempt, sends: attempt.sends + 1, unprovenSends: attempt.unprovenSends + 1, lastSentAt: nowMs };
    });
    const resent = counted.filter((attempt) => attempt !== null);
    if (resent.length > 0) await this.#context.guard.raise(trx);
    await updateAttempts(trx, resent);
    await this.#noteResends(trx, resent, nowMs);
    return counted;
  }

  /** The run has tried these charges with this send: it must not open a new attempt for them. */
  async #noteResends(trx: Db, resent: readonly Attempt[], nowMs: number): Promise<void> {
    const ids = resent.map(({ chargeId }) => chargeId);
    const charges = [...(await lockCharges(trx, ids)).values()].map((charge) => ({
      ...charge,
      lastRunId: this.#runId ?? charge.lastRunId,
      version: charge.version + 1,
      updatedAt: nowMs,
    }));
    await updateCharges(trx, charges);
    const byId = new Map(charges.map((charge) => [charge.id, charge]));
    await appendAudit(
      trx,
      this.#context.author,
      nowMs,
      resent.flatMap((attempt): AuditEntry[] => {
        const charge = byId.get(attempt.chargeId);
        if (charge === undefined) return [];
        const { id, operation, sends, amountMinor } = attempt;
        return [
          {
            ...auditSubject(charge),
            subject: id,
            action: `${operation}.resend`,
            after: { sends },
            result: 'opened',
            amountMinor,
          },
        ];
      }),
    );
  }

  async #giveBack(trx: Db, attempts: readonly Attempt[]): Promise<undefined[]> {
    await releaseAttempts(
      trx,
      attempts.map(({ id }) => id),
      this.#context.owner.id,
    );
    return attempts.map(() => undefined);
  }
}
