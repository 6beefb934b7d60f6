// What capture, void, cancel and refund tell when they are done: the charge's document, and the exit status of the
// attempt that was made.
import type { App } from '../app.ts';
import { attemptsById, attemptsOfCharges } from '../charges/attempts-store.ts';
import type { Charge } from '../charges/charge.ts';
import type { Refunded } from '../charges/operations.ts';
import { assert, EXIT, type ExitCode } from '../errors.ts';
import type { Operation } from '../gateways/gateway.ts';
import { chargeDocument } from './charge-documents.ts';
import { exitOfAttempt, stoppedNote } from './charge-exit.ts';
import type { ChargeDocument, RefundedDocument } from './views/charge-view.ts';
import { toRefundView } from './views/refund-view.ts';

const AGAIN = 'run the command again.';

export interface ActedOn {
  document: ChargeDocument;
  exit: ExitCode;
  /** On stderr: what was not done, where a safety stopped it. Or empty. */
  note: string;
}

/** After an operation on `charge`: its last attempt of that operation decides. */
export async function actedOn(app: App, charge: Charge, operation: Operation): Promise<ActedOn> {
  const attempts = (await attemptsOfCharges(app.book.reader, [charge.id])).get(charge.id) ?? [];
  const last = attempts.findLast((attempt) => attempt.operation === operation);
  assert(last !== undefined, `charge ${charge.id} has its ${operation}`);
  return { document: await chargeDocument(app, charge), exit: exitOfAttempt(last), note: stoppedNote(last, AGAIN) };
}

/** After a cancel: done, unless the provider had collected the money before it could be stopped. */
export async function cancelled(app: App, charge: Charge): Promise<ActedOn> {
  const document = await chargeDocument(app, charge);
  if (charge.status === 'cancelled') return { document, exit: EXIT.done, note: '' };
  return { document, exit: document.openAttempt === null ? EXIT.refused : EXIT.pending, note: '' };
}

/** After a refund, made now or (replayed) before: its own attempt decides. */
export async function refundedOutcome(
  app: App,
  { charge, refund, replayed }: Refunded,
): Promise<{ document: RefundedDocument; exit: ExitCode; note: string }> {
  const attemptId = refund.attemptId ?? '';
  const attempt = (await attemptsById(app.book.reader, [attemptId])).get(attemptId);
  assert(attempt !== undefined, `refund ${refund.id} has its attempt`);
  const document = { ...(await chargeDocument(app, charge)), refund: toRefundView(refund), replayed };
  const next = refund.idempotencyKey === null ? AGAIN : `${AGAIN.slice(0, -1)} with another --idempotency-key.`;
  return { document, exit: exitOfAttempt(attempt), note: stoppedNote(attempt, next) };
}
