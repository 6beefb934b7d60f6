// What the simulated bank says that it executed: the other side's books, to hold ours against.
import { existsSync } from 'node:fs';
import type { Clock } from '../../clock.ts';
import { BursarError } from '../../errors.ts';
import { parseJson } from '../classifier.ts';
import type { GatewayRecord } from '../gateway.ts';
import { isJson, readListing } from './answers.ts';
import { openBank } from './bank-desk.ts';
import { httpTransport } from './http-transport.ts';
import { bankTerms, type SimulatedConfig } from './terms.ts';

const PAGE_WITHIN_MS = 10_000;

export interface BankCharges {
  /** Of the draws of `tok_flaky`. */
  seed: number;
  /** Everything executed by now, in the order it was decided; read page by page. May be read more than once. */
  lines(): AsyncIterable<GatewayRecord>;
  close(): Promise<void>;
}

/** The bank's listing, from where it is served, else from its file. */
export function openBankCharges(options: {
  path: string;
  clock: Clock;
  config: SimulatedConfig;
}): Promise<BankCharges> {
  const { url } = options.config;
  return url === undefined ? openFile(options) : servedCharges(url);
}

/** A bank that has never been used has no listing, and is not made by looking at it. */
async function openFile(options: { path: string; clock: Clock; config: SimulatedConfig }): Promise<BankCharges> {
  const { seed } = bankTerms(options.config);
  if (!existsSync(options.path)) return { seed, lines: noLines, close: async () => undefined };
  const bank = await openBank(options).catch((error: unknown) => {
    throw isDatabaseError(error) ? unreadable(options.path, error) : error;
  });
  async function* lines(): AsyncGenerator<GatewayRecord> {
    for await (const page of bank.listing()) yield* page;
  }
  return { seed, lines, close: () => bank.close() };
}

async function servedCharges(url: string): Promise<BankCharges> {
  const transport = httpTransport(url);
  const pageAfter = async (row: number) => {
    const request = { method: 'GET', path: `/v1/charges?after=${row}&lag=none`, headers: {}, body: '' };
    const answer = await transport.call({ ...request, signal: AbortSignal.timeout(PAGE_WITHIN_MS) }).catch(notServed);
    const json = parseJson(answer.body);
    const page = readListing(json);
    if (answer.status !== 200 || page === null) return notServed(new Error(`http_${answer.status}`));
    return { ...page, seed: isJson(json) ? Number(json.seed) : 0 };
  };
  function notServed(cause: unknown): never {
    throw new BursarError('gateway_unreachable', `The simulated bank at ${url} can't be read.`, {
      hint: 'Check that it is served there: bursar bank serve',
      cause,
    });
  }
  async function* lines(): AsyncGenerator<GatewayRecord> {
    let page = await pageAfter(0);
    while (page.records.length > 0) {
      yield* page.records;
      page = await pageAfter(page.after);
    }
  }
  const { seed } = await pageAfter(Number.MAX_SAFE_INTEGER);
  return { seed, lines, close: () => transport.close() };
}

async function* noLines(): AsyncGenerator<GatewayRecord> {
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
