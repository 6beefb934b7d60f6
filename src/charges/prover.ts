// Proves one attempt after the other: what the provider says of the stored request; the same key and body once more; its
// payment object closed. What was tried is written in the commits that settle the attempt or give it back.
import { type AuditEntry, appendAudit } from '../audit/audit.ts';
import type { Capabilities, Outcome } from '../gateways/gateway.ts';
import type { Change } from '../storage/change.ts';
import type { Db } from '../storage/db.ts';
import { isConstraintError } from '../storage/dialect.ts';
import { GroupCommit } from '../storage/group-commit.ts';
import { writeTrx } from '../storage/trx.ts';
import { type Attempt, type NewsSource, requestOf } from './attempt.ts';
import { lockAttempts, updateAttempts } from './attempts-store.ts';
import { chargeEntry } from './charge-audit.ts';
import { lockCharges, updateCharges } from './charges-store.ts';
import type { ChargesContext } from './context.ts';
import { pauseFor, pauses } from './pauses-store.ts';
import type { Pipeline } from './pipeline.ts';
import { absenceCountsAtMs, canClose, noted, type ProofNote, resendUntilMs } from './proof.ts';
import type { ProofResult } from './proof-result.ts';
import { checkedAmount, isOwnStop, Sender } from './send.ts';
import type { Settled } from './settle.ts';

const PROVED_ABSENT: Outcome = {
  kind: 'rejected',
  reason: 'transport',
  providerCode: 'proved_absent',
  providerMessage: null,
  retryAfterMs: null,
};

/** What sending the same request once more came to. */
type Resent =
  | { kind: 'sent'; outcome: Outcome }
  /** Not any more: its key is too old. */
  | { kind: 'too_old' }
  /** Paused, in quarantine, or by a clock that can't be right. */
  | { kind: 'held' }
  /** Someone else has taken the attempt over meanwhile and looks after it. */
  | { kind: 'lost' };

/** The steps of one round, as they are made. */
class Trail {
  tries = 0;
  result: ProofResult = 'unavailable';
  nextAtMs: number | null = null;

  step(result: ProofResult, nextAtMs: number | null = null): this {
    this.tries += 1;
    return this.end(result, nextAtMs);
  }

  /** What ended the round without another step. */
  end(result: ProofResult, nextAtMs: number | null = null): this {
    this.result = result;
    this.nextAtMs = nextAtMs;
    return this;
  }

  get note(): ProofNote {
    return { tries: this.tries, result: this.result, nextAtMs: this.nextAtMs };
  }
}

interface Claimed {
  attempt: Attempt;
  note: ProofNote | null;
}

export class Prover {
  readonly #runId: string | null;
  readonly #pipeline: Pipeline;
  readonly #context: ChargesContext;
  readonly #sender: Sender;
  readonly #resends: GroupCommit<Claimed, Attempt | null>;
  readonly #releases: GroupCommit<Claimed, undefined>;
  /** Asked of all attempts of a moment at once, as the sender's own checks are. */
  readonly #holds: GroupCommit<Attempt, boolean>;

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
    this.#holds = new GroupCommit({ ...grouped, commit: (batch) => this.#areHeld(batch) });
    this.#releases = new GroupCommit({
      ...grouped,
      commit: (batch) => writeTrx(book, (trx) => this.#giveBack(trx, batch)),
    });
  }

  /** Gives an attempt back that nothing was found out about, with what was tried. */
  async release(attempt: Attempt, note: ProofNote | null = null): Promise<null> {
    await this.#releases.submit({ attempt, note });
    return null;
  }

  /** Settles the attempt with what it found, or gives it back. `null`: nothing new is known. */
  async prove(attempt: Attempt): Promise<Settled | null> {
    const gateway = await this.#context.gateway(attempt.gateway);
    const { capabilities } = gateway;
    const { signal } = new AbortController();
    const trail = new Trail();
    const lookup = await gateway.lookup(requestOf(attempt), signal);
    await this.#context.guard.sawClock(gateway);
    if (lookup.kind === 'unavailable') return this.release(attempt, trail.step('unavailable').note);
    if (lookup.kind === 'found') return this.#found(attempt, checkedAmount(attempt, lookup.outcome), trail);
    const countsAtMs = absenceCountsAtMs(attempt, capabilities);
    const isTooEarly = this.#context.clock.nowMs() < countsAtMs;
    trail.step(isTooEarly ? 'absent_within_lag' : 'absent', isTooEarly ? countsAtMs : null);
    // Only an unknown may be sent again: settling and requires_action have been answered by the provider.
    if (attempt.outcome !== 'unknown') return this.release(attempt, trail.note);
    const isClosable = canClose(capabilities, attempt.operation);
    // Nothing is built on a lookup that may not show it yet; an object that can be closed tells for itself.
    if (isTooEarly && !isClosable) return this.release(attempt, trail.note);
    const resent = await this.#resend(attempt, capabilities, trail);
    if (resent.kind === 'lost') return null;
    // Nor is anything closed while nothing may be sent: what was tried in full first may be collected yet.
    if (resent.kind === 'held') return this.release(attempt, trail.end('paused').note);
    if (resent.kind === 'sent') {
      const isAnswer = resent.outcome.kind !== 'unknown' && resent.outcome.kind !== 'rejected';
      if (isAnswer) return this.#settle(attempt, resent.outcome, 'send', trail.step('resend_answered'));
      // Held back right before the socket: this send came to nothing, and nothing is closed either.
      if (resent.outcome.kind === 'rejected' && isOwnStop(resent.outcome.providerCode)) {
        return this.#settle(attempt, resent.outcome, 'send', trail.end('paused'));
      }
      trail.step(resent.outcome.kind === 'unknown' ? 'resend_unknown' : 'resend_refused');
    }
    if (isClosable && (await this.#holds.submit(attempt))) trail.end('paused');
    else if (isClosable) {
      const closed = await gateway.cancel(requestOf(attempt), signal);
      if (closed.kind === 'closed') return this.#settle(attempt, PROVED_ABSENT, 'cancel', trail.step('closed'));
      if (closed.kind === 'executed') {
        return this.#settle(attempt, checkedAmount(attempt, closed.outcome), 'lookup', trail.step('found'));
      }
      trail.step(closed.kind === 'unsupported' ? 'close_unsupported' : 'close_unavailable');
    }
    return resent.kind === 'sent'
      ? this.#settle(attempt, resent.outcome, 'send', trail)
      : this.release(attempt, trail.note);
  }

  #found(attempt: Attempt, outcome: Outcome, trail: Trail): Promise<Settled | null> {
    if (outcome.kind === 'unknown') return this.release(attempt, trail.step('mismatch').note);
    // Still settling, or still waiting: no news.
    if ((outcome.kind === 'settling' || outcome.kind === 'requires_action') && outcome.kind === attempt.outcome) {
      return this.release(attempt, trail.step(outcome.kind).note);
    }
    return this.#settle(attempt, outcome, 'lookup', trail.step('found'));
  }

  #settle(attempt: Attempt, outcome: Outcome, source: NewsSource, { note }: Trail): Promise<Settled> {
    return this.#pipeline.settle({ attemptId: attempt.id, outcome, source, proof: note });
  }

  /** The same key and body once more, counted durably before it leaves. */
  async #resend(attempt: Attempt, capabilities: Capabilities, trail: Trail): Promise<Resent> {
    if (await this.#holds.submit(attempt)) return { kind: 'held' };
    if (this.#context.clock.nowMs() > resendUntilMs(attempt, capabilities)) return { kind: 'too_old' };
    // Were this process to die right after it, the request may be on its way.
    const counted = await this.#resends.submit({ attempt, note: { ...trail.note, result: 'resend_unknown' } });
    if (counted === null) return { kind: 'lost' };
    trail.tries = 0;
    const sent = await this.#sender.send(counted);
    return sent.kind === 'lost' ? sent : { kind: 'sent', outcome: sent.outcome };
  }

  /** Whether nothing may be sent to the attempt's gateway now, nor closed there. */
  async #areHeld(attempts: readonly Attempt[]): Promise<boolean[]> {
    const { book, guard } = this.#context;
    const paused = await pauses(book.reader);
    const standing = await guard.letOut();
    return attempts.map(({ gateway }) => pauseFor(paused, gateway) !== undefined || standing.refusal(gateway) !== null);
  }

  async #countResends(trx: Db, claimed: readonly Claimed[]): Promise<(Attempt | null)[]> {
    const nowMs = this.#context.clock.nowMs();
    const counted = (await this.#mine(trx, claimed)).map((change) => {
      if (change === null) return null;
      const { sends, unprovenSends } = change.now;
      const sent = { sends: sends + 1, unprovenSends: unprovenSends + 1, lastSentAt: nowMs };
      return { was: change.was, now: { ...change.now, ...sent } };
    });
    const changes = counted.filter((change) => change !== null);
    const resent = changes.map(({ now }) => now);
    if (resent.length > 0) await this.#context.guard.raise(trx);
    await updateAttempts(trx, changes);
    await this.#noteResends(trx, resent, nowMs);
    return counted.map((change) => change?.now ?? null);
  }

  /** The run has tried these charges with this send: it must not open a new attempt for them. */
  async #noteResends(trx: Db, resent: readonly Attempt[], nowMs: number): Promise<void> {
    const ids = resent.map(({ chargeId }) => chargeId);
    const changes = [...(await lockCharges(trx, ids)).values()].map((was) => ({
      was,
      now: { ...was, lastRunId: this.#runId ?? was.lastRunId, version: was.version + 1, updatedAt: nowMs },
    }));
    await updateCharges(trx, changes);
    const byId = new Map(changes.map(({ now }) => [now.id, now]));
    await appendAudit(
      trx,
      this.#context.author,
      nowMs,
      resent.flatMap((attempt): AuditEntry[] => {
        const charge = byId.get(attempt.chargeId);
        if (charge === undefined) return [];
        const { id, operation, sends, amountMinor } = attempt;
        const action = `${operation}.resend`;
        return [chargeEntry(charge, { subject: id, action, after: { sends }, result: 'opened', amountMinor })];
      }),
    );
  }

  async #giveBack(trx: Db, claimed: readonly Claimed[]): Promise<undefined[]> {
    const mine = (await this.#mine(trx, claimed)).filter((change) => change !== null);
    await updateAttempts(
      trx,
      mine.map(({ was, now }) => ({ was, now: { ...now, ownerId: null } })),
    );
    return claimed.map(() => undefined);
  }

  /** The attempts as they stand, with what was tried; `null` for those that someone has taken over or settled meanwhile. */
  async #mine(trx: Db, claimed: readonly Claimed[]): Promise<(Change<Attempt> | null)[]> {
    const nowMs = this.#context.clock.nowMs();
    const current = await lockAttempts(
      trx,
      claimed.map(({ attempt }) => attempt.id),
    );
    return claimed.map(({ attempt: { id, epoch }, note }) => {
      const attempt = current.get(id);
      if (attempt?.ownerId !== this.#context.owner.id || attempt.epoch !== epoch) return null;
      return { was: attempt, now: note === null ? attempt : noted(attempt, note, nowMs) };
    });
  }
}
