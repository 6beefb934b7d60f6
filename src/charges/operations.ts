// What an operator does to one charge: create, capture, void, refund, replay. Each is one request through the pipeline
// and answers with the charge as it stands afterwards. Cancelling stands in cancel.ts.
import { appendAudit } from '../audit/audit.ts';
import { methodsById } from '../customers/methods-store.ts';
import { assert, BursarError, type ErrorCode } from '../errors.ts';
import { appendEvents } from '../events/events.ts';
import { newId } from '../ids.ts';
import { writeTrx } from '../storage/trx.ts';
import type { Charge } from './charge.ts';
import { auditSubject } from './charge-audit.ts';
import { chargeEvent } from './charge-events.ts';
import { chargesById, lockCharges, updateCharges } from './charges-store.ts';
import { type ChargeFacts, newCharge, requestHash } from './new-charge.ts';
import type { Opened, OpenRequest } from './open-request.ts';
import { pauseFor, pauses } from './pauses-store.ts';
import type { Pipeline } from './pipeline.ts';
import type { Refund } from './refund.ts';
import { refundsById } from './refunds-store.ts';
import { methodBlocked, pausedError } from './refusals.ts';

export type CreateCharge = Omit<ChargeFacts, 'id' | 'scheduleId' | 'period' | 'timezone' | 'dueAt'>;

/**
 * Creates a charge and collects it at once: one send, never a wait for a lookup. The same idempotency key with the same
 * values answers with the charge of the first time and sends nothing.
 */
export async function createCharge(
  pipeline: Pipeline,
  request: CreateCharge,
): Promise<{ charge: Charge; replayed: boolean }> {
  const charge = plannedCharge(pipeline, request);
  const opened = await pipeline.open({ kind: 'create', charge, runId: null });
  if (opened.kind === 'replayed') return { charge: opened.charge, replayed: true };
  return { charge: await finish(pipeline, opened), replayed: false };
}

/** What `createCharge` would write, for `--dry-run`: the gateway has checked that it could be sent. */
export async function previewCharge(pipeline: Pipeline, request: CreateCharge): Promise<Charge> {
  const charge = plannedCharge(pipeline, request);
  const { book } = pipeline.context;
  const method = (await methodsById(book.reader, [charge.methodId])).get(charge.methodId);
  assert(method !== undefined, 'a charge has its payment method');
  if (method.blockedAt !== null) throw methodBlocked(method);
  await assertNotPaused(pipeline, charge);
  const gateway = await pipeline.context.gateway(charge.gateway);
  gateway.prepare({
    operation: charge.intent,
    chargeId: charge.id,
    attemptId: newId('attempt', charge.createdAt),
    token: method.token,
    amountMinor: charge.amountMinor,
    currency: charge.currency,
    description: charge.description,
    objectId: null,
    objectGeneration: 0,
  });
  return charge;
}

function plannedCharge(pipeline: Pipeline, request: CreateCharge): Charge {
  const nowMs = pipeline.context.clock.nowMs();
  const facts = {
    ...request,
    id: newId('charge', nowMs),
    scheduleId: null,
    period: null,
    timezone: null,
    dueAt: nowMs,
  };
  return { ...newCharge(facts, nowMs), requestHash: hashOf(request) };
}

function hashOf(request: CreateCharge): string {
  const { customerId, methodId, gateway, amountMinor, currency, intent, policy, description, metadata } = request;
  return requestHash({
    customerId,
    methodId,
    gateway,
    amountMinor: amountMinor.toString(),
    currency,
    intent,
    policy,
    description,
    metadata,
  });
}

/** Captures an authorized charge, in part or (`null`) as a whole. */
export async function captureCharge(pipeline: Pipeline, chargeId: string, amountMinor: bigint | null): Promise<Charge> {
  return act(pipeline, { kind: 'capture', chargeId, amountMinor, runId: null });
}

/** Releases an authorization. */
export async function voidCharge(pipeline: Pipeline, chargeId: string): Promise<Charge> {
  return act(pipeline, { kind: 'void', chargeId, runId: null });
}

export interface RefundOptions {
  amountMinor: bigint | null;
  reason: string | null;
  idempotencyKey: string | null;
}

export interface Refunded {
  charge: Charge;
  refund: Refund;
  replayed: boolean;
}

/** Gives back part or (`null`) all of what was captured. */
export async function refundCharge(pipeline: Pipeline, chargeId: string, options: RefundOptions): Promise<Refunded> {
  const { amountMinor, reason, idempotencyKey } = options;
  const id = newId('refund', pipeline.context.clock.nowMs());
  const hash = requestHash({ chargeId, amountMinor: amountMinor?.toString() ?? null, reason });
  const opened = await pipeline.open({
    kind: 'refund',
    chargeId,
    amountMinor,
    refund: { id, reason, idempotencyKey, requestHash: idempotencyKey === null ? null : hash },
    runId: null,
  });
  if (opened.kind === 'replayed') {
    assert(opened.refund !== null, 'a replayed refund is there');
    return { charge: opened.charge, refund: opened.refund, replayed: true };
  }
  const charge = await finish(pipeline, opened);
  const refund = (await refundsById(pipeline.context.book.reader, [id])).get(id);
  assert(refund !== undefined, 'a refund was written with its attempt');
  return { charge, refund, replayed: false };
}

export interface Replayed {
  replayed: Charge[];
  refused: { id: string; code: ErrorCode; message: string }[];
}

/** Gives exhausted charges another life and sends them at once. A refusal of one holds none of the others back. */
export async function replayCharges(pipeline: Pipeline, ids: readonly string[], reason: string): Promise<Replayed> {
  const result: Replayed = { replayed: [], refused: [] };
  for (const id of ids) {
    try {
      result.replayed.push(await replay(pipeline, id, reason));
    } catch (error) {
      if (!(error instanceof BursarError)) throw error;
      result.refused.push({ id, code: error.code, message: error.message });
    }
  }
  return result;
}

async function replay(pipeline: Pipeline, id: string, reason: string): Promise<Charge> {
  const { book, clock, author } = pipeline.context;
  await writeTrx(book, async (trx) => {
    const charge = (await lockCharges(trx, [id])).get(id);
    if (charge === undefined) throw new BursarError('not_found', `There is no charge ${id}. Nothing was sent.`);
    await assertReplayable(pipeline, charge);
    const nowMs = clock.nowMs();
    const next: Charge = {
      ...charge,
      status: 'pending',
      retryRule: 'replayed',
      dueAt: nowMs,
      // A new life: the policy counts from here again.
      softDeclines: 0,
      transportFailures: 0,
      firstAttemptAt: null,
      version: charge.version + 1,
      eventVersion: charge.eventVersion + 1,
      updatedAt: nowMs,
    };
    await updateCharges(trx, [next]);
    await appendAudit(trx, author, nowMs, [
      {
        ...auditSubject(next),
        action: 'charge.replay',
        before: { status: charge.status },
        after: { status: next.status },
        result: 'pending',
        reason,
      },
    ]);
    await appendEvents(trx, nowMs, [chargeEvent('charge.replayed.v1', next)]);
  });
  return finish(pipeline, await pipeline.open({ kind: 'collect', chargeId: id, asOfMs: clock.nowMs(), runId: null }));
}

/**
 * Refuses a replay of a charge that is not exhausted, whose payment method was blocked by a hard decline, or whose
 * gateway is paused: it would stay due and be sent by the next run, whatever the operator thinks then.
 */
export async function assertReplayable(pipeline: Pipeline, charge: Charge): Promise<void> {
  if (charge.status !== 'exhausted') {
    throw new BursarError(
      'invalid_state',
      `Charge ${charge.id} is ${charge.status}; only exhausted charges are replayed. Nothing was sent.`,
      {
        hint: `Look at it with: bursar charges show ${charge.id}`,
      },
    );
  }
  const method = (await methodsById(pipeline.context.book.reader, [charge.methodId])).get(charge.methodId);
  if (method !== undefined && method.blockedAt !== null) throw methodBlocked(method);
  await assertNotPaused(pipeline, charge);
}

async function assertNotPaused({ context }: Pipeline, { gateway }: Charge): Promise<void> {
  const pause = pauseFor(await pauses(context.book.reader), gateway);
  if (pause !== undefined) throw pausedError(gateway, pause.reason);
}

async function act(pipeline: Pipeline, request: Exclude<OpenRequest, { kind: 'create' | 'collect' }>): Promise<Charge> {
  return finish(pipeline, await pipeline.open(request));
}

async function finish(pipeline: Pipeline, opened: Opened): Promise<Charge> {
  switch (opened.kind) {
    case 'opened':
      return (await pipeline.collect(opened.attempt)).charge;
    case 'blocked':
    case 'replayed':
      return opened.charge;
    case 'refused':
      throw opened.error;
    case 'taken':
      throw new BursarError('conflict', 'Another process has taken this charge meanwhile. This command sent nothing.', {
        hint: 'Look at it with: bursar charges show',
      });
  }
}

/** A charge that exists, for commands; BursarError(`not_found`). */
export async function findCharge(pipeline: Pipeline, id: string): Promise<Charge> {
  const charge = (await chargesById(pipeline.context.book.reader, [id])).get(id);
  if (charge !== undefined) return charge;
  throw new BursarError('not_found', `There is no charge ${id}. Nothing was done.`, {
    hint: 'List them with: bursar charges list --all',
  });
}
