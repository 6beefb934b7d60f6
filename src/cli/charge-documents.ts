// Reads what a charge's JSON document tells besides its own row: its open attempt, attempts, refunds, journal entries.
import type { App } from '../app.ts';
import { attemptsOfCharges, openAttemptsOf } from '../charges/attempts-store.ts';
import type { Charge } from '../charges/charge.ts';
import { proposedRefunds } from '../charges/duplicates.ts';
import { refundsOfCharges } from '../charges/refunds-store.ts';
import { assert } from '../errors.ts';
import { siblingId } from '../ids.ts';
import { entriesById } from '../ledger/ledger-store.ts';
import { proofViews } from './proofs.ts';
import { toAttemptView } from './views/attempt-view.ts';
import {
  CHARGE_SCHEMA,
  type ChargeDocument,
  type ChargeView,
  type ShownDocument,
  toChargeView,
} from './views/charge-view.ts';
import { toRefundView } from './views/refund-view.ts';

/** The views of charges, in their order, with one query for all of their open attempts. */
export async function chargeViews(app: App, charges: readonly Charge[]): Promise<ChargeView[]> {
  const open = await openAttemptsOf(
    app.book.reader,
    charges.map(({ id }) => id),
  );
  const proofs = await proofViews(app, [...open.values()]);
  return charges.map((charge) => {
    const attemptId = open.get(charge.id)?.id ?? null;
    return toChargeView(charge, attemptId, proofs.get(attemptId ?? '') ?? null);
  });
}

export async function chargeDocument(app: App, charge: Charge): Promise<ChargeDocument> {
  const [view] = await chargeViews(app, [charge]);
  assert(view !== undefined, 'one view per charge');
  return { schema: CHARGE_SCHEMA, ...view };
}

/** A charge with everything that was tried and booked for it. */
export async function shownDocument(app: App, charge: Charge): Promise<ShownDocument> {
  const { reader } = app.book;
  const attempts = (await attemptsOfCharges(reader, [charge.id])).get(charge.id) ?? [];
  const refunds = await refundsOfCharges(reader, [charge.id]);
  // A journal entry is named after the attempt that caused it, a refund's reversal after the refund; most cause none.
  const entries = await entriesById(
    reader,
    [...attempts, ...refunds].map(({ id }) => siblingId('entry', id)),
  );
  const proposed = await proposedRefunds(reader, attempts);
  return {
    ...(await chargeDocument(app, charge)),
    attempts: attempts.map(toAttemptView),
    refunds: refunds.map(toRefundView),
    entryIds: entries.map(({ id }) => id),
    proposedCommands: [...proposed.values()],
  };
}
