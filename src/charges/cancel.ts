// Cancelling: first at the provider, so that nothing that is still on its way can be executed, then in the book. If the
// provider turns out to have collected the money, the charge is captured instead.
import { appendAudit } from '../audit/audit.ts';
import { assert, BursarError } from '../errors.ts';
import { appendEvents } from '../events/events.ts';
import type { Cancellation, Outcome } from '../gateways/gateway.ts';
import { writeTrx } from '../storage/trx.ts';
import { type Attempt, isCollecting, isOpen, requestOf } from './attempt.ts';
import { attemptsOfCharges } from './attempts-store.ts';
import { CANCEL_IF_UNPAID, type Charge, type ChargeStatus, IN_FLIGHT } from './charge.ts';
import { chargeEntry } from './charge-audit.ts';
import { chargeEvent } from './charge-events.ts';
import { chargesById, lockCharges, updateCharges } from './charges-store.ts';
import type { ChargesContext } from './context.ts';
import type { Pipeline } from './pipeline.ts';
import { checkedAmount } from './send.ts';
import { settleAttempts } from './settle.ts';

const CANCELLABLE: readonly ChargeStatus[] = ['pending', 'failed', 'requires_action'];

const CLOSED: Outcome = {
  kind: 'rejected',
  reason: 'ours',
  providerCode: 'cancelled',
  providerMessage: null,
  retryAfterMs: null,
};

/** The charge as it stands afterwards: `cancelled`, or `captured`/`authorized` where the provider says so. */
export async function cancelCharge(pipeline: Pipeline, chargeId: string, reason: string | null): Promise<Charge> {
  const { book, author, clock } = pipeline.context;
  const before = (await chargesById(book.reader, [chargeId])).get(chargeId);
  if (before === undefined) throw new BursarError('not_found', `There is no charge ${chargeId}. Nothing was done.`);
  assertCancellable(before);
  const attempts = (await attemptsOfCharges(book.reader, [chargeId])).get(chargeId) ?? [];
  const last = attempts.filter(({ operation }) => isCollecting(operation)).at(-1);
  // Noted before the provider is asked: were we to die between the two, the next attempt makes an object of its own
  // instead of confirming one that is closed.
  const noted = last === undefined ? before : await leaveObject(pipeline, before, last.gateway);
  const closing = await closeAtProvider(pipeline, last);
  if (closing.kind === 'executed' && last !== undefined) {
    const outcome = checkedAmount(last, closing.outcome);
    return (await pipeline.settle({ attemptId: last.id, outcome, source: 'lookup' })).charge;
  }
  return writeTrx(book, async (trx) => {
    const locked = (await lockCharges(trx, [chargeId])).get(chargeId);
    assert(locked !== undefined, 'a charge does not vanish');
    if (locked.version !== noted.version) throw changedMeanwhile(locked);
    // An open requires_action was made impossible just now; a final attempt keeps its outcome.
    const open = last !== undefined && isOpen(last);
    const settled = open
      ? await settleAttempts(trx, pipeline.context, [{ attemptId: last.id, outcome: CLOSED, source: 'cancel' }])
      : [];
    const charge = settled[0]?.charge ?? locked;
    // Marked to be cancelled if unpaid, it was, just now.
    if (charge.status === 'cancelled') return charge;
    const nowMs = clock.nowMs();
    const next: Charge = {
      ...charge,
      status: 'cancelled',
      retryAt: null,
      retryRule: 'cancelled',
      version: charge.version + 1,
      eventVersion: charge.eventVersion + 1,
      updatedAt: nowMs,
    };
    await updateCharges(trx, [{ was: charge, now: next }]);
    await appendAudit(trx, author, nowMs, [
      chargeEntry(next, {
        action: 'charge.cancel',
        before: { status: before.status },
        after: { status: next.status },
        result: 'cancelled',
        reason,
      }),
    ]);
    await appendEvents(trx, nowMs, [chargeEvent('charge.cancelled.v1', next)]);
    return next;
  });
}

/** Has charges whose collection is under way cancelled, not retried, should it turn out unpaid. Answers with those. */
export async function cancelIfUnpaid(
  context: ChargesContext,
  ids: readonly string[],
  reason: string | null,
): Promise<Charge[]> {
  if (ids.length === 0) return [];
  return writeTrx(context.book, async (trx) => {
    const nowMs = context.clock.nowMs();
    const underWay = [...(await lockCharges(trx, ids)).values()].filter(({ status }) => IN_FLIGHT.includes(status));
    const changes = underWay
      .filter(({ retryRule }) => retryRule !== CANCEL_IF_UNPAID)
      .map((was) => {
        const now: Charge = { ...was, retryRule: CANCEL_IF_UNPAID, version: was.version + 1, updatedAt: nowMs };
        return { was, now };
      });
    await updateCharges(trx, changes);
    const marked = changes.map(({ now }) => now);
    await appendAudit(
      trx,
      context.author,
      nowMs,
      marked.map((charge) => chargeEntry(charge, { action: 'charge.cancel', result: 'if_unpaid', reason })),
    );
    const byId = new Map(marked.map((charge) => [charge.id, charge]));
    return underWay.map((charge) => byId.get(charge.id) ?? charge);
  });
}

async function leaveObject(pipeline: Pipeline, before: Charge, gateway: string): Promise<Charge> {
  const { author, clock, guard } = pipeline.context;
  return guard.commit(async (trx) => {
    const refusal = (await guard.standing(trx)).refusal(gateway);
    if (refusal !== null) throw refusal;
    await guard.raise(trx);
    const locked = (await lockCharges(trx, [before.id])).get(before.id);
    assert(locked !== undefined, 'a charge does not vanish');
    if (locked.version !== before.version) throw changedMeanwhile(locked);
    const nowMs = clock.nowMs();
    const next: Charge = {
      ...locked,
      objectId: null,
      objectGeneration: locked.objectGeneration + 1,
      version: locked.version + 1,
      updatedAt: nowMs,
    };
    await updateCharges(trx, [{ was: locked, now: next }]);
    await appendAudit(trx, author, nowMs, [chargeEntry(next, { action: 'charge.cancel', result: 'closing' })]);
    return next;
  });
}

async function closeAtProvider(pipeline: Pipeline, attempt: Attempt | undefined): Promise<Cancellation> {
  // Nothing was ever sent, so there is nothing at the provider.
  if (attempt === undefined) return { kind: 'closed' };
  const gateway = await pipeline.context.gateway(attempt.gateway);
  const refusal = (await pipeline.context.guard.letOut()).refusal(attempt.gateway);
  if (refusal !== null) throw refusal;
  const answer = await gateway.cancel(requestOf(attempt), new AbortController().signal);
  // Without cancelling at the provider, proof is what the attempts themselves came to.
  if (answer.kind === 'closed' || answer.kind === 'executed') return answer;
  if (answer.kind === 'unsupported' && !isOpen(attempt)) return { kind: 'closed' };
  throw new BursarError(
    'gateway_unreachable',
    `${attempt.gateway} could not confirm that charge ${attempt.chargeId} can't be collected any more. It was not cancelled.`,
    { hint: 'Try again when the gateway answers.' },
  );
}

function assertCancellable(charge: Charge): void {
  if (CANCELLABLE.includes(charge.status)) return;
  const hints: Partial<Record<ChargeStatus, string>> = {
    authorized: `Release it with: bursar charges void ${charge.id}`,
    captured: `Give the money back with: bursar charges refund ${charge.id}`,
    unknown: 'Find out what came of it first: bursar billing run',
    processing: 'An attempt is under way; look again in a moment.',
  };
  throw new BursarError(
    'invalid_state',
    `Charge ${charge.id} is ${charge.status}; only ${CANCELLABLE.join(', ')} charges can be cancelled. Nothing was changed.`,
    { hint: hints[charge.status] ?? `Look at it with: bursar charges show ${charge.id}` },
  );
}

function changedMeanwhile(charge: Charge): BursarError {
  return new BursarError(
    'conflict',
    `Charge ${charge.id} was changed by another process meanwhile. It was not cancelled.`,
    {
      hint: `Look at it with: bursar charges show ${charge.id}`,
    },
  );
}
