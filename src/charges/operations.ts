// What an operator does to one charge: create, capture, void, refund, replay. Each is one request through the pipeline
// and answers with the charge as it stands afterwards. Cancelling stands in cancel.ts.
import { methodsById } from '../customers/methods-store.ts';
import { assert, BursarError, type ErrorCode } from '../errors.ts';
import { newId } from '../ids.ts';
import { assertReplayable, type Charge } from './charge.ts';
import { chargesById } from './charges-store.ts';
import { type ChargeFacts, newCharge, requestHash } from './new-charge.ts';
import type { Opened, OpenRequest } from './open-request.ts';
import { pauseFor, pauses } from './pauses-store.ts';
import type { Pipeline } from './pipeline.ts';
import type { Refund } from './refund.ts';
import { refundsById } from './refunds-store.ts';
import { pausedError, unusableMethod } from './refusals.ts';
import { findReplays } from './replays.ts';

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

/** What `createCharge` would answer, for `--dry-run`: the gateway has checked that a new charge could be sent. */
export async function previewCharge(
  pipeline: Pipeline,
  request: CreateCharge,
): Promise<{ charge: Charge; replayed: boolean }> {
  const charge = plannedCharge(pipeline, request);
  const { book } = pipeline.context;
  const [earlier] = (await findReplays(book.reader, [{ kind: 'create', charge, runId: null }])).values();
  if (earlier?.kind === 'refused') throw earlier.error;
  if (earlier?.kind === 'replayed') return { charge: earlier.charge, replayed: true };
  const method = (await methodsById(book.reader, [charge.methodId])).get(charge.methodId);
  assert(method !== undefined, 'a charge has its payment method');
  const unusable = unusableMethod(method);
  if (unusable !== null) throw unusable;
  await assertMaySend(pipeline, charge);
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
  return { charge, replayed: false };
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
  /** The second approval to give back as a whole, instead of what the charge collected. */
  duplicateAttemptId?: string | null;
}

export interface Refunded {
  charge: Charge;
  refund: Refund;
  replayed: boolean;
}

/** Gives back part or (`null`) all of what was captured, or a second approval of the charge. */
export async function refundCharge(pipeline: Pipeline, chargeId: string, options: RefundOptions): Promise<Refunded> {
  const { amountMinor, reason, idempotencyKey, duplicateAttemptId = null } = options;
  const id = newId('refund', pipeline.context.clock.nowMs());
  const hash = requestHash({
    chargeId,
    amountMinor: amountMinor?.toString() ?? null,
    reason,
    ...(duplicateAttemptId === null ? {} : { duplicateAttemptId }),
  });
  const opened = await pipeline.open({
    kind: 'refund',
    chargeId,
    amountMinor,
    refund: { id, reason, idempotencyKey, requestHash: idempotencyKey === null ? null : hash, duplicateAttemptId },
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
    const found = (await chargesById(pipeline.context.book.reader, [id])).has(id);
    const opened: Opened = found
      ? await pipeline.open({ kind: 'replay', chargeId: id, reason, runId: null })
      : { kind: 'refused', error: notFound(id) };
    // Only what was refused before anything was claimed counts as refused: a fault after that is told as what it is.
    if (opened.kind === 'refused') {
      result.refused.push({ id, code: opened.error.code, message: opened.error.message });
    } else result.replayed.push(await finish(pipeline, opened));
  }
  return result;
}

/** Refuses what a replay would refuse, for `--dry-run`. */
export async function checkReplayable(pipeline: Pipeline, charge: Charge): Promise<void> {
  assertReplayable(charge);
  const method = (await methodsById(pipeline.context.book.reader, [charge.methodId])).get(charge.methodId);
  const unusable = method === undefined ? null : unusableMethod(method);
  if (unusable !== null) throw unusable;
  await assertMaySend(pipeline, charge);
}

async function assertMaySend({ context }: Pipeline, { gateway }: Charge): Promise<void> {
  await context.guard.assertMaySend(gateway);
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
  throw notFound(id);
}

function notFound(id: string): BursarError {
  return new BursarError('not_found', `There is no charge ${id}. Nothing was done.`, {
    hint: 'List them with: bursar charges list --all',
  });
}
