// A second approval of one charge: money that we owe the customer until a refund gives it back.
import type { Db } from '../storage/db.ts';
import { movesMoney } from './acts-on.ts';
import type { Attempt } from './attempt.ts';
import { refundsOfDuplicates } from './refunds-store.ts';

/** The command that gives this second approval back. */
export function refundCommand({ id, chargeId }: Pick<Attempt, 'id' | 'chargeId'>): string {
  return `bursar charges refund ${chargeId} --duplicate ${id}`;
}

/** The commands that these attempts call for, by attempt: none for those that are no duplicates, or given back. */
export async function proposedRefunds(db: Db, attempts: readonly Attempt[]): Promise<Map<string, string>> {
  const duplicates = attempts.filter((attempt) => attempt.outcome === 'duplicate' && movesMoney(attempt));
  const refunds = await refundsOfDuplicates(
    db,
    duplicates.map(({ id }) => id),
  );
  return new Map(
    duplicates.filter(({ id }) => !refunds.has(id)).map((attempt) => [attempt.id, refundCommand(attempt)]),
  );
}
