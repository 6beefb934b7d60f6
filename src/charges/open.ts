// Step one of the pipeline: charges are claimed and their attempts written, whole batches in one durable commit, before
// any socket is opened. From here on everyone else treats the attempts as unknown.

import { type AuditEntry, auditInsertion } from '../audit/audit.ts';
import type { PaymentMethod } from '../customers/customer.ts';
import { methodsById } from '../customers/methods-store.ts';
import { assert, BursarError } from '../errors.ts';
import { type DomainEvent, eventsInsertion } from '../events/events.ts';
import type { Operation } from '../gateways/gateway.ts';
import { attemptKey, newId } from '../ids.ts';
import { AUDIT_PART, type Build, chunks, inTurns, PART, writeInOrder } from '../storage/batch.ts';
import type { Change } from '../storage/change.ts';
import type { Db } from '../storage/db.ts';
import { type ActsOn, actedOn, duplicateOf, gatewayOf, paymentOf, refundableDuplicate } from './acts-on.ts';
import { type Attempt, isCollecting } from './attempt.ts';
import { attemptsInsertion, openAttemptsOf } from './attempts-store.ts';
import { assertOpenable, type Charge } from './charge.ts';
import { chargeEntry, createdEntries, personalKeysOf } from './charge-audit.ts';
import { chargeEvent, createdEvent } from './charge-events.ts';
import { chargesInsertion, chargesUpdate, lockCharges } from './charges-store.ts';
import type { ChargesContext } from './context.ts';
import { type Opened, type OpenRequest, refused } from './open-request.ts';
import { amountOf, isDue, operationOf, revived, toRefund } from './open-rules.ts';
import { pauseFor, pauses } from './pauses-store.ts';
import type { Refund } from './refund.ts';
import { refundsInsertion } from './refunds-store.ts';
import { attemptOpen, pausedError, unusableMethod } from './refusals.ts';
import { findReplays } from './replays.ts';

/** Opens the batch in the caller's trx; answers in its order. */
export async function openAttempts(
  trx: Db,
  context: ChargesContext,
  requests: readonly OpenRequest[],
): Promise<Opened[]> {
  return new Opening(trx, context).run(requests);
}

/** What is to be written of some requests. */
class Part {
  readonly created: Charge[] = [];
  readonly changed: Change<Charge>[] = [];
  readonly refunds: Refund[] = [];
  readonly attempts: Attempt[] = [];
  readonly audit: AuditEntry[] = [];
  readonly events: DomainEvent[] = [];
}

class Opening {
  readonly #trx: Db;
  readonly #context: ChargesContext;
  readonly #nowMs: number;
  #part = new Part();
  #isSending = false;

  constructor(trx: Db, context: ChargesContext) {
    this.#trx = trx;
    this.#context = context;
    this.#nowMs = context.clock.nowMs();
  }

  async run(requests: readonly OpenRequest[]): Promise<Opened[]> {
    const charges = await lockCharges(
      this.#trx,
      requests.flatMap((r) => (r.kind === 'create' ? [] : [r.chargeId])),
    );
    const openAlready = await openAttemptsOf(this.#trx, [...charges.keys()]);
    const replays = await findReplays(this.#trx, requests);
    const methods = await methodsById(this.#trx, [
      ...new Set(
        requests.flatMap((r) => (r.kind === 'create' ? r.charge.methodId : charges.get(r.chargeId)?.methodId) ?? []),
      ),
    ]);
    const paused = await pauses(this.#trx);
    const standing = await this.#context.guard.standing(this.#trx);
    const targets = await actedOn(this.#trx, requests);
    const personalKeys = await personalKeysOf(
      this.#trx,
      requests.flatMap((r) => (r.kind === 'create' ? [r.charge] : [])),
    );
    const seen = new Set<string>();
    const answer = async (request: OpenRequest): Promise<Opened> => {
      const replay = replays.get(request);
      if (replay !== undefined) return replay;
      const charge = request.kind === 'create' ? request.charge : charges.get(request.chargeId);
      assert(charge !== undefined, 'a charge that is opened exists');
      // Two requests for one charge in one batch: the second finds it as the first has left it, taken.
      if (seen.has(charge.id) || !isDue(request, charge)) {
        return request.kind === 'collect' ? { kind: 'taken' } : refused(attemptOpen(charge));
      }
      const actsOn = targets.get(request) ?? { payment: null, refund: null };
      const result = await this.#open(request, charge, {
        method: methods.get(charge.methodId),
        isOpenAlready: openAlready.has(charge.id),
        pause: pauseFor(paused, gatewayOf(charge, actsOn))?.reason,
        refusal: standing.refusal(gatewayOf(charge, actsOn)),
        actsOn,
      });
      if (result.kind === 'opened' || result.kind === 'blocked') seen.add(charge.id);
      return result;
    };
    const results: Opened[] = [];
    await writeInOrder(this.#trx, this.#writes(requests, answer, results, personalKeys));
    if (this.#isSending) await this.#context.guard.raise(this.#trx);
    return results;
  }

  /** Answers part by part, into `results`, with what writes each. */
  async *#writes(
    requests: readonly OpenRequest[],
    answer: (request: OpenRequest) => Promise<Opened>,
    results: Opened[],
    personalKeys: ReadonlyMap<string, string>,
  ): AsyncGenerator<Build> {
    const { author } = this.#context;
    for (const some of chunks(requests, PART)) {
      this.#part = new Part();
      for await (const few of inTurns(some)) {
        for (const request of few) results.push(await answer(request));
      }
      const { created, changed, refunds, attempts, audit, events } = this.#part;
      this.#isSending ||= attempts.length > 0;
      yield () => chargesInsertion(created);
      yield () => chargesUpdate(changed);
      yield () => refundsInsertion(refunds);
      yield () => attemptsInsertion(attempts);
      for (const rows of chunks([...createdEntries(created, personalKeys), ...audit], AUDIT_PART)) {
        yield () => auditInsertion(author, this.#nowMs, rows);
      }
      yield () => eventsInsertion(this.#nowMs, [...created.map(createdEvent), ...events]);
    }
  }

  async #open(
    request: OpenRequest,
    standing: Charge,
    state: {
      method: PaymentMethod | undefined;
      isOpenAlready: boolean;
      pause: string | undefined;
      refusal: BursarError | null;
      actsOn: ActsOn;
    },
  ): Promise<Opened> {
    const { method } = state;
    assert(method !== undefined, 'a charge has its payment method');
    try {
      if (state.refusal !== null) throw state.refusal;
      if (state.isOpenAlready) throw attemptOpen(standing);
      const charge = request.kind === 'replay' ? revived(standing, this.#nowMs) : standing;
      const operation = operationOf(request, charge);
      const duplicateId = duplicateOf(request);
      const duplicate = duplicateId === null ? null : refundableDuplicate(charge.id, duplicateId, state.actsOn);
      if (duplicate === null) assertOpenable(charge, operation);
      if (state.pause !== undefined) throw pausedError(gatewayOf(charge, state.actsOn), state.pause);
      if (isCollecting(operation)) {
        // Settling asks the policy; a charge whose policy is gone must not be sent first.
        this.#context.policy(charge.policy);
        const unusable = unusableMethod(method);
        if (unusable !== null && request.kind !== 'collect') throw unusable;
        if (unusable !== null) return this.#exhaustUnusable(charge, method);
      }
      const amountMinor = duplicate?.amountMinor ?? amountOf(request, charge, operation);
      const attempt = await this.#attempt(request, charge, operation, method, amountMinor, state.actsOn);
      if (request.kind === 'refund') this.#part.refunds.push(toRefund(request.refund, attempt, this.#nowMs));
      this.#part.attempts.push(attempt);
      const next = this.#claimed(charge, attempt, duplicate === null ? amountMinor : 0n);
      if (request.kind === 'create') this.#part.created.push(next);
      else this.#part.changed.push({ was: standing, now: next });
      if (request.kind === 'replay') {
        this.#part.events.push(chargeEvent('charge.replayed.v1', next));
        this.#part.audit.push(
          chargeEntry(charge, {
            action: 'charge.replay',
            before: { status: standing.status },
            after: { status: charge.status },
            result: charge.status,
            reason: request.reason,
          }),
        );
      }
      this.#part.audit.push(
        chargeEntry(next, {
          subject: attempt.id,
          action: `${operation}.open`,
          before: request.kind === 'create' ? null : { status: charge.status },
          after: { status: next.status, attempt: attempt.number, idempotencyKey: attempt.idempotencyKey },
          result: 'opened',
          amountMinor,
        }),
      );
      return { kind: 'opened', charge: next, attempt };
    } catch (error) {
      if (error instanceof BursarError) return refused(error);
      throw error;
    }
  }

  async #attempt(
    request: OpenRequest,
    charge: Charge,
    operation: Operation,
    method: PaymentMethod,
    amountMinor: bigint,
    actsOn: ActsOn,
  ): Promise<Attempt> {
    const id = newId('attempt', this.#nowMs);
    const number = charge.attemptCount + 1;
    const gatewayName = gatewayOf(charge, actsOn);
    const gateway = await this.#context.gateway(gatewayName);
    const prepared = gateway.prepare({
      operation,
      chargeId: charge.id,
      attemptId: id,
      token: method.token,
      amountMinor,
      currency: charge.currency,
      description: charge.description,
      objectId: charge.objectId,
      objectGeneration: charge.objectGeneration,
      actsOn: paymentOf(actsOn),
    });
    return {
      id,
      chargeId: charge.id,
      number,
      operation,
      gateway: gatewayName,
      methodId: actsOn.payment?.methodId ?? charge.methodId,
      amountMinor,
      currency: charge.currency,
      refundId: request.kind === 'refund' ? request.refund.id : null,
      idempotencyKey: attemptKey(this.#context.book.bookId, charge.id, number),
      body: prepared.body,
      apiVersion: prepared.apiVersion,
      objectId: prepared.objectId,
      outcome: null,
      late: false,
      reference: null,
      providerCode: null,
      providerMessage: null,
      declineCode: null,
      declineClass: null,
      // The first send is counted before it leaves: a crash right after this commit must take it for sent.
      sends: 1,
      unprovenSends: 1,
      firstSentAt: this.#nowMs,
      lastSentAt: this.#nowMs,
      ownerId: this.#context.owner.id,
      epoch: 1,
      proofTries: 0,
      proofTriedAt: null,
      proofResult: null,
      proofNextAt: null,
      runId: request.runId,
      openedAt: this.#nowMs,
      settledAt: null,
    };
  }

  /** `reservedMinor`: what a refund holds back of what the charge collected. */
  #claimed(charge: Charge, attempt: Attempt, reservedMinor: bigint): Charge {
    const collecting = isCollecting(attempt.operation);
    return {
      ...charge,
      status: collecting ? 'processing' : charge.status,
      retryAt: collecting ? null : charge.retryAt,
      refundReservedMinor: charge.refundReservedMinor + (attempt.operation === 'refund' ? reservedMinor : 0n),
      firstAttemptAt: charge.firstAttemptAt ?? this.#nowMs,
      attemptCount: attempt.number,
      objectId: collecting ? (attempt.objectId ?? charge.objectId) : charge.objectId,
      lastRunId: attempt.runId ?? charge.lastRunId,
      version: charge.version + 1,
      updatedAt: this.#nowMs,
    };
  }

  /** A due charge whose method was blocked by a hard decline, or removed: nothing is sent, now or later. */
  #exhaustUnusable(charge: Charge, method: PaymentMethod): Opened {
    const isBlocked = method.blockedAt !== null;
    const next: Charge = {
      ...charge,
      status: 'exhausted',
      declineCode: isBlocked ? method.blockedCode : 'method_removed',
      declineClass: isBlocked ? 'hard' : 'update_method',
      retryRule: isBlocked ? 'method_blocked' : 'method_removed',
      retryAt: null,
      version: charge.version + 1,
      eventVersion: charge.eventVersion + 1,
      updatedAt: this.#nowMs,
    };
    this.#part.changed.push({ was: charge, now: next });
    this.#part.events.push(chargeEvent('charge.exhausted.v1', next, { declineCode: next.declineCode }));
    this.#part.audit.push(
      chargeEntry(next, {
        action: 'charge.exhaust',
        before: { status: charge.status },
        after: { status: next.status, declineCode: next.declineCode },
        result: next.retryRule ?? 'exhausted',
      }),
    );
    return { kind: 'blocked', charge: next };
  }
}
