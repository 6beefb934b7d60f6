// Step three of the pipeline: what attempts came to. Attempt, charge, journal entry, audit row, event and next retry of
// a whole batch in one commit: all or nothing. Facts are never refused here; precedence decides what they change.

import { type AuditEntry, auditInsertion } from '../audit/audit.ts';
import { blockMethods } from '../customers/methods-store.ts';
import { assert } from '../errors.ts';
import { type DomainEvent, eventsInsertion } from '../events/events.ts';
import type { Outcome } from '../gateways/gateway.ts';
import { entryFor, type JournalEntry, reversalOf } from '../ledger/ledger.ts';
import { type AccountIds, entriesInsertion, openAccounts, postingsInsertion } from '../ledger/ledger-store.ts';
import { AUDIT_PART, type Build, chunks, inTurns, PART, writeInOrder } from '../storage/batch.ts';
import type { Db } from '../storage/db.ts';
import { afterFailure } from './after-failure.ts';
import { type Attempt, hasFailedLate, isCollecting, isOpen, judge, type NewsSource, NO_REFERENCE } from './attempt.ts';
import { attemptsUpdate, type Collected, collectedCharges } from './attempts-store.ts';
import { type Charge, IN_FLIGHT, statusAfter } from './charge.ts';
import { chargeEntry, settledEntry } from './charge-audit.ts';
import { chargeEvent, statusEvent } from './charge-events.ts';
import { chargesUpdate } from './charges-store.ts';
import type { ChargesContext } from './context.ts';
import { noted, type ProofNote } from './proof.ts';
import { described } from './provider-words.ts';
import type { Refund, RefundStatus } from './refund.ts';
import { finishRefunds, refundsById } from './refunds-store.ts';
import { type InHand, lockStanding } from './standing.ts';

/** News about an attempt. */
export interface Settlement {
  attemptId: string;
  outcome: Outcome;
  source: NewsSource;
  /** Why an operator says so. */
  reason?: string;
  /** What was tried to get this news. */
  proof?: ProofNote;
  /** As this process has opened it; read only where it stands otherwise by now. */
  inHand?: InHand | undefined;
}

export interface Settled {
  charge: Charge;
  attempt: Attempt;
}

/** Settles the batch in the caller's trx; answers in its order with what stands in the book afterwards. */
export async function settleAttempts(
  trx: Db,
  context: ChargesContext,
  settlements: readonly Settlement[],
): Promise<Settled[]> {
  return new Settling(trx, context).run(settlements);
}

class Settling {
  readonly #trx: Db;
  readonly #context: ChargesContext;
  readonly #nowMs: number;
  #charges = new Map<string, Charge>();
  #attempts = new Map<string, Attempt>();
  #collectedBy = new Map<string, Collected>();
  #refundsById = new Map<string, Refund>();
  /** What has changed in this part, as it stood before. */
  #chargesWere = new Map<string, Charge>();
  #attemptsWere = new Map<string, Attempt>();
  readonly #entries: JournalEntry[] = [];
  readonly #events: DomainEvent[] = [];
  readonly #audit: AuditEntry[] = [];
  readonly #blocks: { methodId: string; code: string; charge: Charge }[] = [];
  readonly #refunds: { id: string; status: RefundStatus; was: RefundStatus }[] = [];

  constructor(trx: Db, context: ChargesContext) {
    this.#trx = trx;
    this.#context = context;
    this.#nowMs = context.clock.nowMs();
  }

  async run(settlements: readonly Settlement[]): Promise<Settled[]> {
    const standing = await lockStanding(this.#trx, settlements);
    this.#attempts = standing.attempts;
    this.#charges = standing.charges;
    if (settlements.some(({ outcome }) => outcome.kind === 'approved')) {
      this.#collectedBy = await collectedCharges(this.#trx, [...this.#charges.keys()]);
    }
    const refundIds = [...this.#attempts.values()].flatMap(({ refundId }) => refundId ?? []);
    if (refundIds.length > 0) this.#refundsById = await refundsById(this.#trx, refundIds);
    await writeInOrder(this.#trx, this.#changes(settlements));
    const accounts = await openAccounts(this.#trx, this.#entries);
    await finishRefunds(this.#trx, this.#refunds, this.#nowMs);
    await this.#blockMethods();
    await writeInOrder(this.#trx, this.#records(accounts));
    return settlements.map(({ attemptId }) => {
      const attempt = this.#attemptOf(attemptId);
      return { attempt, charge: this.#chargeOf(attempt.chargeId) };
    });
  }

  #settle({ attemptId, outcome: told, source: teller, reason, proof }: Settlement): void {
    const before = this.#attemptOf(attemptId);
    const charge = this.#chargeOf(before.chargeId);
    const isOfAnother = this.#isPaymentOfAnother(before, told);
    const outcome = isOfAnother ? SAME_PAYMENT : told;
    // Whoever tells of it, it proves the attempt as a whole.
    const source = isOfAnother && teller === 'send' ? 'lookup' : teller;
    const verdict = judge(before, outcome, source, this.#isCollectedByAnother(before, charge));
    if (verdict === null) return;
    const tried = proof === undefined ? before : noted(before, proof, this.#nowMs);
    const attempt: Attempt = { ...tried, ...verdict, ...described(outcome, before, verdict.outcome) };
    attempt.settledAt = isOpen(attempt) ? null : this.#nowMs;
    // An attempt that stays open belongs to nobody: the next run looks after it.
    attempt.ownerId = null;
    this.#attempts.set(attempt.id, attempt);
    if (!this.#attemptsWere.has(attempt.id)) this.#attemptsWere.set(attempt.id, before);
    if (isCollecting(attempt.operation) && attempt.outcome === 'approved') this.#collectedBy.set(charge.id, attempt);

    const failed = attempt.outcome === 'declined' || attempt.outcome === 'rejected';
    const failing = failed && isCollecting(attempt.operation) && IN_FLIGHT.includes(charge.status);
    const next = failing
      ? afterFailure(this.#context, this.#nowMs, charge, { attempt, outcome, source })
      : { ...charge, status: statusAfter(charge.status, attempt.operation, verdict.outcome, 'exhausted') };
    if (failing && attempt.declineClass === 'hard') {
      this.#blocks.push({ methodId: attempt.methodId, code: attempt.declineCode ?? 'hard', charge: next });
    }
    if (source === 'cancel' && failed) {
      // The object is closed for good: the next attempt makes a new one.
      next.objectId = null;
      next.objectGeneration += 1;
    }
    this.#moveMoney(next, attempt, before);
    const cause = outcome.kind === 'unknown' ? outcome.reason : null;
    this.#tell(charge, next, attempt, before, { source, cause, reason: reason ?? null });
  }

  #isCollectedByAnother(attempt: Attempt, charge: Charge): boolean {
    if (attempt.operation === 'capture') return charge.capturedMinor > 0n;
    const collectedBy = this.#collectedBy.get(charge.id);
    return collectedBy !== undefined && collectedBy.id !== attempt.id;
  }

  /** The very payment that another attempt is booked with: both acted on the one object, which was collected once. */
  #isPaymentOfAnother({ id, chargeId, gateway, operation }: Attempt, told: Outcome): boolean {
    if (told.kind !== 'approved' || !isCollecting(operation) || told.reference === NO_REFERENCE) return false;
    const collected = this.#collectedBy.get(chargeId);
    if (collected === undefined || collected.id === id) return false;
    return collected.gateway === gateway && collected.reference === told.reference;
  }

  /** Amounts on the charge, the journal entry, and the refund of an attempt that moved money or gave it up. */
  #moveMoney(next: Charge, attempt: Attempt, before: Attempt): void {
    const { outcome, operation, amountMinor } = attempt;
    const approved = outcome === 'approved' && before.outcome !== 'approved';
    if (approved || outcome === 'duplicate') {
      const kind = outcome === 'duplicate' ? 'duplicate' : operation === 'refund' ? 'refunded' : 'captured';
      // An authorization moves nothing yet, a void never will.
      if (operation !== 'void' && operation !== 'authorize') this.#entries.push(this.#entryOf(kind, next, attempt));
    }
    if (approved) {
      if (operation === 'authorize') next.authorizedMinor = amountMinor;
      if (operation === 'sale' || operation === 'capture') next.capturedMinor += amountMinor;
      if (isCollecting(operation))
        Object.assign(next, { declineCode: null, declineClass: null, retryRule: null, retryAt: null });
    }
    if (operation === 'refund' && attempt.refundId !== null && !isOpen(attempt)) {
      this.#endRefund(attempt.refundId, next, attempt, before);
    }
  }

  #endRefund(refundId: string, next: Charge, attempt: Attempt, before: Attempt): void {
    const approved = attempt.outcome === 'approved';
    const failedLate = hasFailedLate(attempt);
    // The refund of a duplicate gives back nothing of what the charge itself collected.
    const amountMinor = this.#isOfDuplicate(attempt) ? 0n : attempt.amountMinor;
    // A late approval finds its reservation released and its refund failed.
    if (isOpen(before)) next.refundReservedMinor -= amountMinor;
    if (approved) next.refundedMinor += amountMinor;
    if (failedLate) {
      next.refundedMinor -= amountMinor;
      const posted = this.#entryOf('refunded', next, attempt);
      this.#entries.push(reversalOf(posted, refundId, attempt.declineCode ?? 'failed', this.#nowMs));
    }
    const was = isOpen(before) ? 'pending' : failedLate ? 'succeeded' : 'failed';
    this.#refunds.push({ id: refundId, status: approved ? 'succeeded' : 'failed', was });
  }

  #isOfDuplicate({ refundId }: Attempt): boolean {
    return refundId !== null && (this.#refundsById.get(refundId)?.duplicateAttemptId ?? null) !== null;
  }

  #entryOf(kind: 'captured' | 'duplicate' | 'refunded', charge: Charge, attempt: Attempt): JournalEntry {
    return entryFor({
      kind,
      chargeId: charge.id,
      attemptId: attempt.id,
      gateway: attempt.gateway,
      amountMinor: attempt.amountMinor,
      currency: attempt.currency,
      postedAt: this.#nowMs,
      ofDuplicate: this.#isOfDuplicate(attempt),
    });
  }

  #tell(
    was: Charge,
    next: Charge,
    attempt: Attempt,
    before: Attempt,
    news: { source: NewsSource; cause: string | null; reason: string | null },
  ): void {
    if (!this.#chargesWere.has(was.id)) this.#chargesWere.set(was.id, was);
    next.version += 1;
    next.updatedAt = this.#nowMs;
    this.#charges.set(next.id, next);
    const publish = (event: (charge: Charge) => DomainEvent | null): void => {
      const counted = { ...next, eventVersion: next.eventVersion + 1 };
      const made = event(counted);
      if (made === null) return;
      next.eventVersion = counted.eventVersion;
      this.#events.push(made);
    };
    if (next.status !== was.status) publish(statusEvent);
    if (attempt.outcome === 'duplicate') {
      publish((charge) => chargeEvent('charge.duplicate.v1', charge, { attemptId: attempt.id, proposed: 'refund' }));
    }
    if (attempt.operation === 'refund' && !isOpen(attempt)) {
      const type = attempt.outcome === 'approved' ? 'refund.succeeded.v1' : 'refund.failed.v1';
      publish((charge) =>
        chargeEvent(type, charge, { refundId: attempt.refundId, refundMinor: attempt.amountMinor.toString() }),
      );
    }
    this.#audit.push(settledEntry(was, next, before, attempt, news));
  }

  /** Settles part by part, with what writes the charges and attempts of each. */
  async *#changes(settlements: readonly Settlement[]): AsyncGenerator<Build> {
    for (const some of chunks(settlements, PART)) {
      this.#chargesWere = new Map();
      this.#attemptsWere = new Map();
      for await (const few of inTurns(some)) {
        for (const settlement of few) this.#settle(settlement);
      }
      const charges = [...this.#chargesWere.values()].map((was) => ({ was, now: this.#chargeOf(was.id) }));
      const attempts = [...this.#attemptsWere.values()].map((was) => ({ was, now: this.#attemptOf(was.id) }));
      yield () => chargesUpdate(charges);
      yield () => attemptsUpdate(attempts);
    }
  }

  /** What writes down all that has come of it. */
  *#records(accounts: AccountIds): Generator<Build> {
    const { author } = this.#context;
    for (const entries of chunks(this.#entries, PART)) {
      yield () => entriesInsertion(entries);
      yield () => postingsInsertion(entries, accounts);
    }
    for (const audit of chunks(this.#audit, AUDIT_PART)) yield () => auditInsertion(author, this.#nowMs, audit);
    for (const events of chunks(this.#events, PART)) yield () => eventsInsertion(this.#nowMs, events);
  }

  async #blockMethods(): Promise<void> {
    const blocked = new Set(await blockMethods(this.#trx, this.#blocks, this.#nowMs));
    for (const { methodId, code, charge } of this.#blocks) {
      if (!blocked.delete(methodId)) continue;
      this.#audit.push(
        chargeEntry(charge, { subject: methodId, action: 'method.block', after: { code }, result: 'blocked' }),
      );
    }
  }

  #attemptOf(id: string): Attempt {
    const attempt = this.#attempts.get(id);
    assert(attempt !== undefined, `no attempt ${id}`);
    return attempt;
  }

  #chargeOf(id: string): Charge {
    const charge = this.#charges.get(id);
    assert(charge !== undefined, `no charge ${id}`);
    return charge;
  }
}

const SAME_PAYMENT: Outcome = {
  kind: 'rejected',
  reason: 'transport',
  providerCode: 'same_payment',
  providerMessage: null,
  retryAfterMs: null,
};
