// The attempts and charges that news is about, as they stand in the book. What this very process has opened it has in
// hand already: where the book still says the same, seventy columns need not be read again.
import type { Db } from '../storage/db.ts';
import type { Attempt } from './attempt.ts';
import { type AttemptStanding, lockAttemptStandings, lockAttempts } from './attempts-store.ts';
import type { Charge } from './charge.ts';
import { lockCharges } from './charges-store.ts';

export interface InHand {
  charge: Charge;
  attempt: Attempt;
}

/** By id, locked for this trx. */
export async function lockStanding(
  trx: Db,
  news: readonly { attemptId: string; inHand?: InHand | undefined }[],
): Promise<{ attempts: Map<string, Attempt>; charges: Map<string, Charge> }> {
  const inHand = await stillStanding(
    trx,
    news.flatMap((each) => each.inHand ?? []),
  );
  const rest = news.map(({ attemptId }) => attemptId).filter((id) => !inHand.has(id));
  const attempts = rest.length === 0 ? new Map<string, Attempt>() : await lockAttempts(trx, [...new Set(rest)]);
  const charges = new Map([...inHand.values()].map(({ charge }) => [charge.id, charge]));
  const missing = [...attempts.values()].map(({ chargeId }) => chargeId).filter((id) => !charges.has(id));
  if (missing.length > 0) {
    for (const charge of (await lockCharges(trx, [...new Set(missing)])).values()) charges.set(charge.id, charge);
  }
  for (const { attempt } of inHand.values()) attempts.set(attempt.id, attempt);
  return { attempts, charges };
}

async function stillStanding(trx: Db, inHand: readonly InHand[]): Promise<Map<string, InHand>> {
  if (inHand.length === 0) return new Map();
  const ids = inHand.map(({ attempt }) => attempt.id);
  const standing = new Map((await lockAttemptStandings(trx, ids)).map((row) => [row.id, row]));
  const still = inHand.filter((each) => isSame(each, standing.get(each.attempt.id)));
  return new Map(still.map((each) => [each.attempt.id, each]));
}

/** Every change of a charge raises its version. An attempt under way is changed by its owner alone, or loses it. */
function isSame({ attempt, charge }: InHand, standing: AttemptStanding | undefined): boolean {
  return (
    standing?.charge_version === charge.version &&
    standing.owner_id === attempt.ownerId &&
    standing.epoch === attempt.epoch &&
    standing.outcome === attempt.outcome &&
    standing.sends === attempt.sends
  );
}
