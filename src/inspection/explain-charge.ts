// Reads what decides about one charge's next try, and explains it.
import { attemptsOfCharges } from '../charges/attempts-store.ts';
import type { Charge } from '../charges/charge.ts';
import { pauses } from '../charges/pauses-store.ts';
import { methodsById } from '../customers/methods-store.ts';
import { BursarError } from '../errors.ts';
import type { RetryPolicy } from '../retries/policy.ts';
import type { Db } from '../storage/db.ts';
import { type Explanation, explain } from './explain.ts';

/** What the configuration says, and what time it is. */
export interface Rules {
  /** BursarError where there is no such policy. */
  policy(name: string): RetryPolicy;
  gateways: readonly string[];
  nowMs: number;
  /** Of a charge that has no zone of its own. */
  timezone: string;
}

export async function explainCharge(db: Db, charge: Charge, rules: Rules): Promise<Explanation> {
  const { nowMs, timezone, gateways } = rules;
  return explain({
    charge,
    attempts: (await attemptsOfCharges(db, [charge.id])).get(charge.id) ?? [],
    method: (await methodsById(db, [charge.methodId])).get(charge.methodId),
    policy: policyOrNull(rules, charge.policy),
    isGatewayConfigured: gateways.includes(charge.gateway),
    pauses: await pauses(db),
    nowMs,
    timezone,
  });
}

/** A policy that the configuration has lost is something to explain, not a fault. */
export function policyOrNull({ policy }: Pick<Rules, 'policy'>, name: string): RetryPolicy | null {
  try {
    return policy(name);
  } catch (error) {
    if (error instanceof BursarError) return null;
    throw error;
  }
}
