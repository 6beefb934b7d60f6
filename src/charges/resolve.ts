// An operator says what became of an attempt that nobody else could prove. Audited with its reason, and refused as long
// as proof is still possible: a wrong word here is money lost or taken twice.

import { assert, BursarError } from '../errors.ts';
import type { Outcome } from '../gateways/gateway.ts';
import type { Db } from '../storage/db.ts';
import { goneOwners } from '../storage/lease.ts';
import { writeTrx } from '../storage/trx.ts';
import { type Attempt, isOpen, NO_REFERENCE } from './attempt.ts';
import { lockAttempts } from './attempts-store.ts';
import type { Pipeline } from './pipeline.ts';
import { type Prospect, prospectOf } from './proof.ts';
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
 * Settles an open attempt as the operator says; a collection that was not paid leaves its charge exhausted. With `force`
 * also a refund that was approved and failed at the provider since. BursarError `invalid_state` for an attempt that has
 * its outcome, `proof_possible` while proof can still be had.
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
  if (!isOpen(attempt)) assertMayHaveFailed(attempt, request);
  else if (!force) await assertUnprovable(trx, pipeline, attempt);
  const outcome = outcomeOf(attempt, request);
  const [settled] = await settleAttempts(trx, pipeline.context, [{ attemptId, outcome, source: 'operator', reason }]);
  assert(settled !== undefined, 'what was settled is answered');
  return settled;
}

/** An outcome stands, but for one: a refund that was approved may have failed at the provider since. */
function assertMayHaveFailed(attempt: Attempt, { as, force }: Resolve): void {
  const { id, chargeId, operation, outcome } = attempt;
  if (operation !== 'refund' || outcome !== 'approved' || as !== 'declined') {
    throw new BursarError('invalid_state', `Attempt ${id} was ${outcome} already. Nothing was changed.`, {
      hint: `Look at it with: bursar attempts show ${id}`,
    });
  }
  if (force) return;
  throw new BursarError(
    'invalid_state',
    `Refund attempt ${id} was approved: the book has the provider's word for it. Nothing was changed.`,
    {
      hint: `Ask the provider again with: bursar charges sync ${chargeId}. Only if it told you that the refund failed: --force`,
    },
  );
}

async function assertUnprovable(trx: Db, { context }: Pipeline, attempt: Attempt): Promise<void> {
  const nowMs = context.clock.nowMs();
  const { ownerId } = attempt;
  const isSenderAlive = ownerId !== null && !(await goneOwners(trx, [ownerId], nowMs)).has(ownerId);
  // Settling, or waiting for the customer: the provider knows it, and tells when it is over.
  if (attempt.outcome === 'settling' || attempt.outcome === 'requires_action') {
    throw proofPossible(
      attempt,
      `${attempt.gateway} has it as ${attempt.outcome} and tells when it is over`,
      LOOK_AGAIN,
    );
  }
  const { capabilities } = await context.gateway(attempt.gateway);
  const prospect = prospectOf(attempt, capabilities, nowMs, isSenderAlive);
  if (prospect.by !== 'operator') throw proofPossible(attempt, ...wordsOf(prospect, attempt));
}

const RUN = 'bursar billing run';
const LOOK_AGAIN = 'bursar charges sync';

/** What would prove it and by when, and the command that tries. */
function wordsOf(
  prospect: Exclude<Prospect, { by: 'operator' }>,
  { gateway }: Attempt,
): [why: string, command: string] {
  const at = (timeMs: number): string => new Date(timeMs).toISOString();
  switch (prospect.by) {
    case 'sender':
      return ['its process is still at work and will record what it hears', RUN];
    case 'resend': {
      const from = prospect.fromMs === null ? '' : `from ${at(prospect.fromMs)} on, `;
      return [
        `${from}${gateway} can be asked, and the same request sent again under its key, until ${at(prospect.untilMs)}`,
        RUN,
      ];
    }
    case 'close':
      return [`${gateway} can close its payment object, which tells whether it was executed`, RUN];
    case 'lookup': {
      const from = prospect.fromMs === null ? 'now' : `from ${at(prospect.fromMs)} on`;
      return [`${gateway} has not yet been asked at a time when its answer counts, which is ${from}`, LOOK_AGAIN];
    }
  }
}

function proofPossible(attempt: Attempt, why: string, command: string): BursarError {
  const whole = command === LOOK_AGAIN ? `${LOOK_AGAIN} ${attempt.chargeId}` : command;
  return new BursarError(
    'proof_possible',
    `What became of attempt ${attempt.id} may still be proved: ${why}. Nothing was changed.`,
    { hint: `Let it be found out first with: ${whole}. Only if you know better: --force` },
  );
}

function outcomeOf(attempt: Attempt, { as, reference }: Resolve): Outcome {
  const providerCode = 'operator';
  switch (as) {
    case 'approved':
      return {
        kind: 'approved',
        reference: reference ?? attempt.reference ?? NO_REFERENCE,
        amountMinor: attempt.amountMinor,
        providerCode,
      };
    case 'declined':
      return { kind: 'declined', decline: 'unknown_decline', reference, providerCode, providerMessage: null };
    case 'not-executed':
      return { kind: 'rejected', reason: 'transport', providerCode, providerMessage: null, retryAfterMs: null };
  }
}
