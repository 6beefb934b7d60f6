// Requests that were made before: the same idempotency key with the same values answers as it did the first time, with
// other values it is refused. Looked up in the trx that opens, so that two processes can't both be the first.

import { assert } from '../errors.ts';
import type { Db } from '../storage/db.ts';
import { chargesByIdempotencyKey, lockCharges } from './charges-store.ts';
import { type Opened, type OpenRequest, refused } from './open-request.ts';
import { refundsByIdempotencyKey } from './refunds-store.ts';
import { keyReused } from './refusals.ts';

/** Answers for requests whose idempotency key the book has seen: the same again, or a refusal for another body. */
export async function findReplays(trx: Db, requests: readonly OpenRequest[]): Promise<Map<OpenRequest, Opened>> {
  const keyOf = (request: OpenRequest): string | null =>
    request.kind === 'create'
      ? request.charge.idempotencyKey
      : request.kind === 'refund'
        ? request.refund.idempotencyKey
        : null;
  const keyed = requests.filter((request) => keyOf(request) !== null);
  const answers = new Map<OpenRequest, Opened>();
  if (keyed.length === 0) return answers;
  const keys = keyed.flatMap((request) => keyOf(request) ?? []);
  const charges = await chargesByIdempotencyKey(trx, keys);
  const refunds = await refundsByIdempotencyKey(trx, keys);
  const refundCharges = await lockCharges(
    trx,
    [...refunds.values()].map(({ chargeId }) => chargeId),
  );
  for (const request of keyed) {
    const key = keyOf(request) ?? '';
    const charge = charges.get(key);
    const refund = refunds.get(key);
    if (request.kind === 'create' && charge !== undefined) {
      answers.set(
        request,
        charge.requestHash === request.charge.requestHash
          ? { kind: 'replayed', charge, refund: null }
          : refused(keyReused(key, charge.id)),
      );
    } else if (request.kind === 'refund' && refund !== undefined) {
      const refunded = refundCharges.get(refund.chargeId);
      assert(refunded !== undefined, 'a refund has its charge');
      answers.set(
        request,
        refund.requestHash === request.refund.requestHash
          ? { kind: 'replayed', charge: refunded, refund }
          : refused(keyReused(key, refund.id)),
      );
    }
  }
  return answers;
}
