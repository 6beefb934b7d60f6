// An operator says what became of an attempt that nobody else could prove. Audited with its reason, and refused as long
// as proof is still possible: a wrong word here is money lost or taken twice.

import { assert, BursarError } from '../errors.ts';
import type { Outcome } from '../gateways/gateway.ts';
import type { Db } from '../storage/db.ts';
import { goneOwners } from '../storage/lease.ts';
import { writeTrx } from '../storage/trx.ts';
import { type Attempt, isOpen } from './attempt.ts';
import { lockAttempts } from './attempts-store.ts';
import type { Pipeline } from './pipeline.ts';
import { resendWindowMs } from './send.ts';
import { type Settled, settleAttempts } from './settle.ts';

export const RESOLUTIONS = ['approved', 'declined', 'not-executed'] as const;
export type Resolution = (typeof RESOLUTIONS)[number];

export interface Resolve {
  attemptId: string;
  as: Resolution;
  reason: string;
  /** The provider's own reference of the payment, where the operator has found one. */
  reference: string | null;
  /** Even though its owner lives or the gateway may still prove it. */
  force: boolean;
  /** Finds out what would become of the charge, and writes nothing. */
  dryRun: boolean;
}

/** Carries what a dry run found out of the trx that it undoes. */
class Undone extends Error {
  constructor(readonly settled: Settled) {
    super('undone');
  }
}

/**
 * Settles an open attempt as the operator says; one that was not paid leaves its charge exhausted. BursarError
 * `invalid_state` for an attempt that has its outcome, `proof_possible` while proof can still be had.
 */
export async function resolveAttempt(pipeline: Pipeline, request: Resolve): Promise<Settled> {
  try {
    return await writeTrx(pipeline.context.book, async (trx) => {
      const settled = await resolveIn(trx, pipeline, request);
      if (request.dryRun) throw new Undone(settled);
      return settled;
    });
  } catch (error) {
    if (error instanceof Undone) return error.settled;
    throw error;
  }
}

async function resolveIn(trx: Db, pipeline: Pipeline, request: Resolve): Promise<Settled> {
  const { attemptId, reason, force } = request;
  const attempt = (await lockAttempts(trx, [attemptId])).get(attemptId);
  if (attempt === undefined)
    throw new BursarError('not_found', `There is no attempt ${attemptId}. Nothing was changed.`);
  if (!isOpen(attempt)) {
    throw new BursarError(
      'invalid_state',
      `Attempt ${attemptId} was ${attempt.outcome} already. Nothing was changed.`,
      {
        hint: `Look at it with: bursar attempts show ${attemptId}`,
      },
    );
  }
  if (!force) await assertUnprovable(trx, pipeline, attempt);
  const outcome = outcomeOf(attempt, request);
  const [settled] = await settleAttempts(trx, pipeline.context, [{ attemptId, outcome, source: 'operator', reason }]);
  assert(settled !== undefined, 'what was settled is answered');
  return settled;
}

async function assertUnprovable(trx: Db, { context }: Pipeline, attempt: Attempt): Promise<void> {
  const nowMs = context.clock.nowMs();
  const { ownerId } = attempt;
  if (ownerId !== null && !(await goneOwners(trx, [ownerId], nowMs)).has(ownerId)) {
    throw proofPossible(attempt, 'its process is still at work');
  }
  const { keyRetentionMs } = (await context.gateway(attempt.gateway)).capabilities;
  const provableUntil = attempt.firstSentAt + resendWindowMs(keyRetentionMs);
  if (nowMs > provableUntil) return;
  throw proofPossible(attempt, `${attempt.gateway} can still be asked until ${new Date(provableUntil).toISOString()}`);
}

function proofPossible(attempt: Attempt, why: string): BursarError {
  return new BursarError(
    'proof_possible',
    `What became of attempt ${attempt.id} may still be proved: ${why}. Nothing was changed.`,
    { hint: 'Let it be found out first with: bursar billing run. Only if you know better: --force' },
  );
}

function outcomeOf(attempt: Attempt, { as, reference }: Resolve): Outcome {
  const providerCode = 'operator';
  switch (as) {
    case 'approved':
      return {
        kind: 'approved',
        reference: reference ?? attempt.reference ?? 'operator',
        amountMinor: attempt.amountMinor,
        providerCode,
      };
    case 'declined':
      return { kind: 'declined', decline: 'unknown_decline', reference, providerCode, providerMessage: null };
    case 'not-executed':
      return { kind: 'rejected', reason: 'transport', providerCode, providerMessage: null, retryAfterMs: null };
  }
}
