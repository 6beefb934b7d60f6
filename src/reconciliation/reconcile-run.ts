// `reconcile run`: reads what the gateways executed, as their own records tell it, and adopts what the book does not know.
// Ends a quarantine once every gateway in use has been read from where the book's own knowledge ends. Running it again
// changes nothing.
import { applyAdoption, type Plan, planAdoption } from '../charges/adopt.ts';
import { newestOwnAttemptAt } from '../charges/attempts-store.ts';
import type { ChargesContext } from '../charges/context.ts';
import { bookCreatedAt, gatewaysInUse, noteReconciled, readGuard } from '../charges/guard-store.ts';
import { isNewQuarantine, olderThanMark, quarantineReason } from '../charges/quarantine.ts';
import { BursarError } from '../errors.ts';
import type { Gateway, GatewayRecord } from '../gateways/gateway.ts';
import { isId } from '../ids.ts';
import { chunks } from '../storage/batch.ts';
import type { Db } from '../storage/db.ts';
import { writeTrx } from '../storage/trx.ts';
import { findLostPeriods, type LostPeriod, makeLostPeriods } from './lost-periods.ts';
import { movesMoney, notPosted, postToSuspense } from './suspense.ts';

const BATCH_RECORDS = 500;
/** Records of unknown charges that are looked at together: each time, the schedules that are due are gone through once. */
const SLAB_RECORDS = 20_000;
/** Beyond a provider's own lag: clocks differ, and days are added for nothing. */
const MARGIN_MS = 86_400_000;

export interface ReconcileOptions {
  /** `null`: all that the book's methods or attempts use. */
  gateways: readonly string[] | null;
  /** Epoch milliseconds; `null`: from where the book's own knowledge ends. */
  sinceMs: number | null;
  dryRun: boolean;
}

export interface GatewayReconciled {
  gateway: string;
  /** Epoch milliseconds. */
  since: number;
  /** How many records were read; each of them is counted in exactly one of the others. */
  listed: number;
  /** The book had it. */
  known: number;
  /** The book had the charge, or could name it, and now has the attempt. */
  adopted: number;
  /** The book had the attempt, and did not know that it was executed. */
  settled: number;
  /** Posted against assets:suspense. */
  suspense: number;
  /** Authorizations and voids that can't be explained: they move no money. */
  ignored: number;
}

export interface ReconcileRun {
  gateways: GatewayReconciled[];
  /** `held`: when the run began; `lifted`: by this run. */
  quarantine: { held: boolean; lifted: boolean; reason: string | null };
  dryRun: boolean;
  /** Gateways in use that a quarantine still waits for. */
  waitsFor: string[];
  /**
   * Where some were read too early to end a quarantine: when all of them can be read again, epoch milliseconds. What was
   * sent right before the book was put back may not show in a provider's records any earlier.
   */
  readAgainAt: number | null;
}

export async function reconcile(context: ChargesContext, options: ReconcileOptions): Promise<ReconcileRun> {
  const { book, guard } = context;
  const { dryRun } = options;
  if (!dryRun) await guard.mark.prepare();
  const { row, mark } = await guard.standing(book.reader);
  const reason = quarantineReason(row, mark);
  if (!dryRun && isNewQuarantine(row, mark)) await guard.quarantine(olderThanMark(row.openSequence, mark), mark);
  const inUse = await gatewaysInUse(book.reader);
  const gateways: GatewayReconciled[] = [];
  const failures: { gateway: string; error: BursarError }[] = [];
  let readAgainAt: number | null = null;
  for (const name of options.gateways ?? inUse) {
    try {
      const { counts, countsFromMs } = await reconcileGateway(context, name, options);
      gateways.push(counts);
      if (countsFromMs !== null) readAgainAt = Math.max(readAgainAt ?? 0, countsFromMs);
    } catch (error) {
      if (!(error instanceof BursarError) || !OUT_OF_REACH.includes(error.code)) throw error;
      failures.push({ gateway: name, error });
    }
  }
  const left = dryRun ? { lifted: false, waitsFor: reason === null ? [] : inUse } : await guard.lift(inUse);
  if (failures.length > 0) throw notAll(gateways, failures);
  return {
    gateways,
    quarantine: { held: reason !== null, lifted: left.lifted, reason },
    dryRun,
    waitsFor: left.waitsFor,
    readAgainAt,
  };
}

const OUT_OF_REACH: readonly string[] = ['gateway_unreachable', 'unknown_gateway', 'gateway_refused'];

async function reconcileGateway(
  context: ChargesContext,
  name: string,
  { sinceMs, dryRun }: ReconcileOptions,
): Promise<{ counts: GatewayReconciled; countsFromMs: number | null }> {
  const { clock, guard } = context;
  const gateway = await context.gateway(name);
  const { capabilities } = gateway;
  const knownUntil = await knowledgeEnd(context, gateway);
  const since = sinceMs ?? knownUntil;
  const reading = new Reading(context, name, since, dryRun);
  const startedAtMs = clock.nowMs();
  for await (const record of gateway.listRecent(since)) await reading.add(record);
  await reading.end();
  const { counts } = reading;
  if (dryRun) return { counts, countsFromMs: null };
  await guard.sawClock(gateway);
  // Read from later on, there may be more that the book doesn't know.
  if (since > knownUntil) return { counts, countsFromMs: null };
  return { counts, countsFromMs: await noteRead(context, name, capabilities.lookupLagMs, startedAtMs) };
}

/**
 * Counts the reading that began at `startedAtMs` for the quarantine, if everything that was sent before the quarantine
 * began must have shown in it; otherwise answers with the time from which a reading counts.
 */
async function noteRead(
  { book, clock }: ChargesContext,
  name: string,
  lookupLagMs: number,
  startedAtMs: number,
): Promise<number | null> {
  return writeTrx(book, async (trx) => {
    const { quarantine } = await readGuard(trx);
    if (quarantine === null) return null;
    const countsFromMs = quarantine.since + lookupLagMs;
    if (startedAtMs < countsFromMs) return countsFromMs;
    await noteReconciled(trx, name, clock.nowMs());
    return null;
  });
}

/** The newest attempt that the book made itself, by the earliest of the clocks, less the provider's lag and a day. */
async function knowledgeEnd({ book, clock }: ChargesContext, { capabilities }: Gateway): Promise<number> {
  const newest = await newestOwnAttemptAt(book.reader);
  if (newest === null) return Math.max(0, (await bookCreatedAt(book.reader)) - MARGIN_MS);
  const { latestTime } = await readGuard(book.reader);
  const until = Math.min(newest, clock.nowMs(), latestTime === 0 ? newest : latestTime);
  return Math.max(0, until - capabilities.lookupLagMs - MARGIN_MS);
}

/** One reading of a gateway's records, in bounded memory. */
class Reading {
  readonly counts: GatewayReconciled;
  readonly #context: ChargesContext;
  readonly #dryRun: boolean;
  #batch: GatewayRecord[] = [];
  #slab: GatewayRecord[] = [];

  constructor(context: ChargesContext, gateway: string, since: number, dryRun: boolean) {
    this.#context = context;
    this.#dryRun = dryRun;
    this.counts = { gateway, since, listed: 0, known: 0, adopted: 0, settled: 0, suspense: 0, ignored: 0 };
  }

  async add(record: GatewayRecord): Promise<void> {
    this.counts.listed += 1;
    this.#batch.push(record);
    if (this.#batch.length >= BATCH_RECORDS) await this.#endBatch();
  }

  async end(): Promise<void> {
    await this.#endBatch();
    await this.#endSlab();
  }

  async #endBatch(): Promise<void> {
    const records = this.#batch;
    this.#batch = [];
    const plans = await this.#adopt(records, (plan) => !(plan.kind === 'unexplained' && plan.isChargeUnknown));
    this.#slab.push(...plans.flatMap((plan) => (plan.kind === 'unexplained' ? [plan.record] : [])));
    if (this.#slab.length >= SLAB_RECORDS) await this.#endSlab();
  }

  async #endSlab(): Promise<void> {
    const records = this.#slab;
    this.#slab = [];
    if (records.length === 0) return;
    const ids = new Set(records.flatMap(({ chargeId }) => (isId('charge', chargeId) ? [chargeId] : [])));
    const lost = await findLostPeriods(this.#context, ids);
    if (!this.#dryRun) await makeLostPeriods(this.#context, lost);
    const found = new Set(lost.map(({ chargeId }: LostPeriod) => chargeId));
    for (const chunk of chunks(records, BATCH_RECORDS)) {
      // A dry run has made no charge: what it would have made counts as adopted.
      const made = this.#dryRun ? chunk.filter(({ chargeId }) => found.has(chargeId)) : [];
      this.counts.adopted += made.length;
      await this.#adopt(
        chunk.filter((record) => !made.includes(record)),
        () => true,
      );
    }
  }

  /** Books the records whose plans `isWanted`, in one commit. Answers with the plans of the others. */
  async #adopt(records: readonly GatewayRecord[], isWanted: (plan: Plan) => boolean): Promise<Plan[]> {
    if (records.length === 0) return [];
    const { book } = this.#context;
    if (this.#dryRun) return this.#book(book.reader, records, isWanted);
    const before = { ...this.counts };
    try {
      return await writeTrx(book, (trx) => this.#book(trx, records, isWanted));
    } catch (error) {
      Object.assign(this.counts, before);
      throw error;
    }
  }

  async #book(db: Db, records: readonly GatewayRecord[], isWanted: (plan: Plan) => boolean): Promise<Plan[]> {
    const { counts } = this;
    const { gateway } = counts;
    const plans = await planAdoption(db, gateway, records);
    const wanted = plans.filter(isWanted);
    const unexplained = wanted.filter((plan) => plan.kind === 'unexplained');
    const moved = unexplained.filter(({ record }) => movesMoney(record));
    const fresh = await notPosted(db, this.#context.book.bookId, gateway, moved);
    counts.known += wanted.filter(({ kind }) => kind === 'known').length + moved.length - fresh.length;
    counts.settled += wanted.filter(({ kind }) => kind === 'settle').length;
    counts.adopted += wanted.filter(({ kind }) => kind === 'adopt').length;
    counts.suspense += fresh.length;
    counts.ignored += unexplained.length - moved.length;
    if (!this.#dryRun) {
      await applyAdoption(db, this.#context, gateway, wanted);
      await postToSuspense(db, this.#context, gateway, fresh);
    }
    return plans.filter((plan) => !isWanted(plan));
  }
}

function notAll(
  done: readonly GatewayReconciled[],
  failures: readonly { gateway: string; error: BursarError }[],
): BursarError {
  const [first] = failures;
  const names = failures.map(({ gateway }) => gateway).join(', ');
  const doneNames = done.length === 0 ? 'none' : done.map(({ gateway }) => gateway).join(', ');
  return new BursarError(
    first?.error.code ?? 'gateway_unreachable',
    `Not reconciled: ${names} (${first?.error.message ?? ''}) Reconciled: ${doneNames}; what was adopted stays.`,
    { hint: 'Run it again when the gateway answers: what is done changes nothing a second time.', cause: first?.error },
  );
}
