// `charges replay`: from the ids given to the document and the exit status. A refusal of one holds none of the others
// back; only what is no id at all refuses the whole command, before anything is sent.
import type { App } from '../app.ts';
import type { Charge } from '../charges/charge.ts';
import { checkReplayable, findCharge, replayCharges } from '../charges/operations.ts';
import { BursarError, ERROR_EXIT_CODES, type ErrorCode, EXIT, type ExitCode } from '../errors.ts';
import { formatMoney } from '../money/money.ts';
import { chargeViews } from './charge-documents.ts';
import { exitOfCharge } from './charge-exit.ts';
import { findId } from './find-id.ts';
import type { ChargeView } from './views/charge-view.ts';

export interface Refused {
  id: string;
  code: ErrorCode;
  message: string;
}

export interface ReplayDocument {
  schema: 'bursar.replay/1';
  replayed: ChargeView[];
  refused: { id: string; code: ErrorCode }[];
  dryRun: boolean;
}

export interface Replay {
  document: ReplayDocument;
  refused: Refused[];
  charges: Charge[];
}

/** Which of the ids may be replayed, each once, and why not the others. BursarError(`invalid_id`) for what is no id. */
export async function planReplay(app: App, ids: readonly string[]): Promise<{ charges: Charge[]; refused: Refused[] }> {
  const pipeline = await app.pipeline();
  const charges = new Map<string, Charge>();
  const refused = new Map<string, Refused>();
  for (const text of ids) {
    try {
      const charge = await findCharge(pipeline, await findId(app, 'charge', text, { money: true }));
      await checkReplayable(pipeline, charge);
      charges.set(charge.id, charge);
    } catch (error) {
      if (!(error instanceof BursarError) || error.code === 'invalid_id') throw error;
      refused.set(text, { id: text, code: error.code, message: error.message });
    }
  }
  return { charges: [...charges.values()], refused: [...refused.values()] };
}

/** `Send 3 charges again, 12.50 USD and 900 JPY, through simulated?` */
export function replayQuestion(charges: readonly Charge[]): string {
  const totals = new Map<string, bigint>();
  for (const { currency, amountMinor } of charges) totals.set(currency, (totals.get(currency) ?? 0n) + amountMinor);
  const sums = [...totals].map(([currency, minor]) => formatMoney(minor, currency)).join(' and ');
  const gateways = [...new Set(charges.map(({ gateway }) => gateway))].join(' and ');
  const count = charges.length === 1 ? 'charge' : `${charges.length} charges`;
  return `Send ${charges.length === 1 ? 'this' : 'these'} ${count} again, ${sums}, through ${gateways}?`;
}

/** Sends the planned charges again; with `reason` null (a dry run) only tells which they would be. */
export async function replayPlanned(
  app: App,
  plan: { charges: readonly Charge[]; refused: readonly Refused[] },
  reason: string | null,
): Promise<Replay> {
  const ids = plan.charges.map(({ id }) => id);
  const done =
    reason === null
      ? { replayed: [...plan.charges], refused: [] }
      : await replayCharges(await app.pipeline(), ids, reason);
  const refused = [...plan.refused, ...done.refused];
  const document: ReplayDocument = {
    schema: 'bursar.replay/1',
    replayed: await chargeViews(app, done.replayed),
    refused: refused.map(({ id, code }) => ({ id, code })),
    dryRun: reason === null,
  };
  return { document, refused, charges: done.replayed };
}

/**
 * 0 when it finished, whatever was declined; 3 for that with --fail-on-decline; 4 while an outcome is unknown; 7 when a
 * gateway was not reached; 8 when a safety stopped a send; and where everything was refused, by what refused it.
 */
export function replayExit({ charges, refused }: Replay, failOnDecline: boolean): ExitCode {
  if (charges.length === 0) {
    const codes = new Set(refused.map(({ code }) => ERROR_EXIT_CODES[code]));
    const [only = EXIT.refused, ...others] = codes;
    return others.length === 0 ? only : EXIT.refused;
  }
  const exits = new Set(charges.map(exitOfCharge));
  if (exits.has(EXIT.stopped)) return EXIT.stopped;
  if (exits.has(EXIT.unavailable)) return EXIT.unavailable;
  if (charges.some(({ status }) => status === 'unknown' || status === 'processing')) return EXIT.pending;
  return failOnDecline && exits.has(EXIT.declined) ? EXIT.declined : EXIT.done;
}
