// What a capture, void or refund acts on: the attempt that holds or took the money. Usually the charge has one; where a
// second one was approved as well, its refund must name that one's payment.
import { BursarError } from '../errors.ts';
import type { PaymentOfAttempt } from '../gateways/gateway.ts';
import type { Db } from '../storage/db.ts';
import type { Attempt } from './attempt.ts';
import { attemptsById, attemptsOfCharges } from './attempts-store.ts';
import type { Charge } from './charge.ts';
import type { OpenRequest } from './open-request.ts';
import type { Refund } from './refund.ts';
import { refundsOfDuplicates } from './refunds-store.ts';

export interface ActsOn {
  /** Null for a collection, and where no attempt of the charge is known to hold money. */
  payment: Attempt | null;
  /** The refund that gives this duplicate back already. */
  refund: Refund | null;
}

/** For each capture, void and refund of the batch, what it acts on. */
export async function actedOn(trx: Db, requests: readonly OpenRequest[]): Promise<Map<OpenRequest, ActsOn>> {
  const acting = requests.filter(({ kind }) => kind === 'capture' || kind === 'void' || kind === 'refund');
  if (acting.length === 0) return new Map();
  const attempts = await attemptsOfCharges(trx, [...new Set(acting.map(chargeOf))]);
  const duplicateIds = acting.flatMap((request) => duplicateOf(request) ?? []);
  const duplicates = duplicateIds.length === 0 ? new Map<string, Attempt>() : await attemptsById(trx, duplicateIds);
  const refunds = await refundsOfDuplicates(trx, duplicateIds);
  return new Map(
    acting.map((request) => {
      const duplicateId = duplicateOf(request);
      if (duplicateId !== null) {
        return [request, { payment: duplicates.get(duplicateId) ?? null, refund: refunds.get(duplicateId) ?? null }];
      }
      const moved = request.kind === 'refund' ? ['sale', 'capture'] : ['authorize'];
      const ofCharge = attempts.get(chargeOf(request)) ?? [];
      const payment = ofCharge.find(({ operation, outcome }) => outcome === 'approved' && moved.includes(operation));
      return [request, { payment: payment ?? null, refund: null }];
    }),
  );
}

const chargeOf = (request: OpenRequest): string => (request.kind === 'create' ? request.charge.id : request.chargeId);

/** The second approval that a refund request gives back. */
export function duplicateOf(request: OpenRequest): string | null {
  return request.kind === 'refund' ? request.refund.duplicateAttemptId : null;
}

/** Where the money is: an earlier attempt may have gone through another gateway than the charge would go now. */
export function gatewayOf(charge: Charge, { payment }: ActsOn): string {
  return payment?.gateway ?? charge.gateway;
}

export function paymentOf({ payment }: ActsOn): PaymentOfAttempt | null {
  if (payment === null) return null;
  return { attemptId: payment.id, objectId: payment.objectId, reference: payment.reference };
}

/** The duplicate that is to be given back. BursarError `not_found` or `invalid_state`. */
export function refundableDuplicate(chargeId: string, duplicateId: string, { payment, refund }: ActsOn): Attempt {
  if (payment === null || payment.chargeId !== chargeId) {
    throw new BursarError('not_found', `Charge ${chargeId} has no attempt ${duplicateId}. Nothing was sent.`, {
      hint: `See its attempts with: bursar charges show ${chargeId}`,
    });
  }
  if (payment.outcome !== 'duplicate') {
    throw new BursarError(
      'invalid_state',
      `Attempt ${duplicateId} is ${payment.outcome ?? 'under way'}, not a second payment of its charge. Nothing was sent.`,
      { hint: `Give back what the charge collected with: bursar charges refund ${chargeId}` },
    );
  }
  if (!movesMoney(payment)) {
    throw new BursarError(
      'invalid_state',
      `Attempt ${duplicateId} only holds the money a second time; there is nothing to give back. Nothing was sent.`,
      { hint: "Release the hold in the provider's dashboard, or let it run out." },
    );
  }
  if (refund !== null) {
    throw new BursarError(
      'invalid_state',
      `Duplicate ${duplicateId} ${refund.status === 'pending' ? 'is being given back' : 'was given back'} by refund ${refund.id}. Nothing was sent.`,
      { hint: `Look at it with: bursar refunds show ${refund.id}` },
    );
  }
  return payment;
}

/** Whether a second approval took money; a second hold did not. */
export function movesMoney({ operation }: Pick<Attempt, 'operation'>): boolean {
  return operation === 'sale' || operation === 'capture';
}
