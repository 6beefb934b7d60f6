// Open attempts as `doctor` needs them: counted, and a few of them named, however many there are. The partial index
// attempts_open holds just these.
import type { Knex } from 'knex';
import type { AttemptOutcome } from '../charges/attempt.ts';
import type { Operation } from '../gateways/gateway.ts';
import { idBound } from '../ids.ts';
import { inList, listBinding, select } from '../storage/batch.ts';
import type { ProcessIdentity } from '../storage/process-identity.ts';

const OPEN = `(outcome IS NULL OR outcome IN ('unknown', 'settling', 'requires_action'))`;

export interface OpenGroup {
  outcome: AttemptOutcome | null;
  ownerId: string | null;
  count: number;
  oldestAt: number;
}

/** How many open attempts there are of each outcome and owner. */
export async function openGroups(db: Knex): Promise<OpenGroup[]> {
  return select<OpenGroup>(
    db,
    `SELECT outcome, owner_id AS "ownerId", COUNT(*) AS count, MIN(opened_at) AS "oldestAt"
       FROM attempts INDEXED BY attempts_open WHERE ${OPEN} GROUP BY outcome, owner_id`,
  );
}

export interface OpenAttempt {
  id: string;
  chargeId: string;
  operation: Operation;
  amount: number;
  currency: string;
  gateway: string;
}

/** The oldest open attempts of an outcome; `owners`: only those that one of these holds, or (`null`) nobody. */
export async function oldestOpen(
  db: Knex,
  outcome: AttemptOutcome | null,
  owners: readonly (string | null)[],
  limit: number,
): Promise<OpenAttempt[]> {
  return select<OpenAttempt>(
    db,
    `SELECT id, charge_id AS "chargeId", operation, amount_minor AS amount, currency, gateway
       FROM attempts INDEXED BY attempts_open
      WHERE ${OPEN} AND outcome IS ? AND COALESCE(owner_id, '') IN ${inList} ORDER BY opened_at, id LIMIT ?`,
    [outcome, listBinding(owners.map((owner) => owner ?? '')), limit],
  );
}

export interface OwnerFacts extends ProcessIdentity {
  id: string;
  command: string;
  startedAt: number;
  expiresAt: number;
}

export async function ownersById(db: Knex, ids: readonly string[]): Promise<Map<string, OwnerFacts>> {
  const rows = await select<OwnerFacts>(
    db,
    `SELECT id, host, pid_namespace AS "pidNamespace", pid, process_start AS "processStart", command,
            started_at AS "startedAt", expires_at AS "expiresAt" FROM owners WHERE id IN ${inList}`,
    [listBinding(ids)],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/** Named leases that someone holds. */
export async function heldLeases(db: Knex): Promise<{ name: string; ownerId: string }[]> {
  return select(db, 'SELECT name, owner_id AS "ownerId" FROM leases WHERE owner_id IS NOT NULL ORDER BY name');
}

export interface UnmappedDecline {
  gateway: string;
  providerCode: string | null;
  count: number;
  newest: string;
}

/**
 * Declines whose code no table of the gateway maps, of attempts opened since, commonest first. What an operator called
 * declined is not among them. By the time in the ids, so that only the attempts of that time are read.
 */
export async function unmappedDeclinesSince(db: Knex, sinceMs: number, limit: number): Promise<UnmappedDecline[]> {
  return select<UnmappedDecline>(
    db,
    `SELECT gateway, provider_code AS "providerCode", COUNT(*) AS count, MAX(id) AS newest FROM attempts
      WHERE id >= ? AND decline_code = 'unknown_decline' AND provider_code IS NOT 'operator'
      GROUP BY gateway, provider_code ORDER BY COUNT(*) DESC, gateway, provider_code LIMIT ?`,
    [idBound('attempt', sinceMs), limit],
  );
}
