// What the simulated bank says that it executed: the other side's books, to hold ours against.
import { existsSync } from 'node:fs';
import type { Clock } from '../../clock.ts';
import { BursarError } from '../../errors.ts';
import { openBank } from './bank-desk.ts';
import type { Executed } from './payment.ts';
import { bankTerms, type SimulatedConfig } from './terms.ts';

export interface BankCharges {
  /** Of the draws of `tok_flaky`. */
  seed: number;
  /** Everything executed by now, in the order it was decided; read page by page. May be read more than once. */
  lines(): AsyncIterable<Executed>;
  close(): Promise<void>;
}

/** The bank's listing. A bank that has never been used has none, and is not made by looking at it. */
export async function openBankCharges(options: {
  path: string;
  clock: Clock;
  config: SimulatedConfig;
}): Promise<BankCharges> {
  const { seed } = bankTerms(options.config);
  if (!existsSync(options.path)) return { seed, lines: noLines, close: async () => undefined };
  const bank = await openBank(options).catch((error: unknown) => {
    throw isDatabaseError(error) ? unreadable(options.path, error) : error;
  });
  async function* lines(): AsyncGenerator<Executed> {
    for await (const page of bank.listing()) yield* page;
  }
  return { seed, lines, close: () => bank.close() };
}

async function* noLines(): AsyncGenerator<Executed> {
  // Nothing was ever executed.
}

function isDatabaseError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_');
}

function unreadable(path: string, error: Error & { code: string }): BursarError {
  return new BursarError('gateway_unreachable', `The simulated bank at ${path} can't be read (${error.code}).`, {
    hint: 'If it is damaged, move the file away to begin with an empty bank.',
    cause: error,
  });
}
