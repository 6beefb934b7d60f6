// An operator who looks an attempt up at the bank, and says what stands there and nothing else.
import { type Resolution, resolveAttempt } from '../../src/charges/resolve.ts';
import type { GatewayRequest } from '../../src/gateways/gateway.ts';
import type { Word } from './banks.ts';
import type { World } from './world.ts';

interface OpenAttempt {
  id: string;
  charge_id: string;
  gateway: string;
  operation: GatewayRequest['operation'];
  outcome: string | null;
  body: string;
  api_version: string;
  object_id: string | null;
  idempotency_key: string;
  amount_minor: number;
  currency: string;
  first_sent_at: number;
}

export const openAttemptRows = (world: World): Promise<OpenAttempt[]> =>
  world.rows<OpenAttempt>(
    `SELECT * FROM attempts WHERE outcome IS NULL OR outcome IN ('unknown', 'settling', 'requires_action') ORDER BY id`,
  );

/** What the bank's own records say of it. */
export function wordOn(world: World, attempt: OpenAttempt): Promise<Word> {
  return world.bank(attempt.gateway).wordOn({
    operation: attempt.operation,
    chargeId: attempt.charge_id,
    attemptId: attempt.id,
    idempotencyKey: attempt.idempotency_key,
    body: attempt.body,
    apiVersion: attempt.api_version,
    objectId: attempt.object_id,
    amountMinor: BigInt(attempt.amount_minor),
    currency: attempt.currency,
  });
}

/** Begins to resolve the nth open attempt, unless the bank doesn't know yet or a request may still arrive there. */
export async function resolveTruthfully(world: World, place: number, nth: number): Promise<void> {
  const open = await openAttemptRows(world);
  const attempt = open[nth % open.length];
  if (attempt === undefined || world.network.isOnTheWay(attempt.id)) return;
  const word = await wordOn(world, attempt);
  if (word === 'waiting') return;
  const as: Resolution = word === 'absent' ? 'not-executed' : word;
  const who = await world.process(place);
  // At once: a word that is given while nothing is on its way must not be written when something is.
  await who.atOnce(async () => {
    await world.begin(who, 'resolve', async () => {
      const request = { attemptId: attempt.id, as, reason: 'as the bank says', reference: null };
      // What the bank had as not final yet is refused for good otherwise, even where its lookups never find it.
      const isToldLater = attempt.outcome === 'settling' || attempt.outcome === 'requires_action';
      const force = isToldLater && !world.bank(attempt.gateway).canLookUp;
      await resolveAttempt(who.pipeline, { ...request, force, dryRun: false });
      world.statistics.count(`operator: ${as}`);
    });
  });
}
