// What `bursar bank serve` does: opens the bank of a simulated gateway by its terms, and serves it. No book is opened.
import { resolve } from 'node:path';
import { assertConfigured, bankPathOf, gatewaysOf } from './app.ts';
import { systemClock } from './clock.ts';
import { type Environment, loadConfig, resolveBookUrl } from './config/load.ts';
import { isLoopback } from './config/loopback.ts';
import { BursarError } from './errors.ts';
import { type Bank, openBank } from './gateways/simulated/bank-desk.ts';
import { type BankServer, serveBank } from './gateways/simulated/bank-server.ts';
import type { SimulatedConfig } from './gateways/simulated/terms.ts';

const STANDARD_URL = 'http://127.0.0.1:8480';
const LONGEST_GATHER_MS = 10;

export interface ServeBankRequest {
  /** The gateway whose terms the bank goes by. */
  gateway: string;
  /** The bank's own file, from `cwd`, or `:memory:`; without it the one beside the book. */
  file?: string | undefined;
  host?: string | undefined;
  port?: number | undefined;
  /** Whether other machines may reach it: it asks nobody for credentials. */
  isExposed: boolean;
  /** Come before the configuration's. */
  latencyMs?: number | undefined;
  rateLimitPerSecond?: number | undefined;
  /** The values of --book and --config. */
  book?: string | undefined;
  config?: string | undefined;
  cwd: string;
  env: Environment;
}

export interface ServedBank extends BankServer {
  /** The bank's file, absolute, or `:memory:`. */
  readonly file: string;
}

/** Opens and serves the bank; `close` also closes its file. */
export async function openServedBank(request: ServeBankRequest): Promise<ServedBank> {
  const { cwd, env, latencyMs, rateLimitPerSecond } = request;
  const loaded = await loadConfig({ flag: request.config, cwd, env });
  const settings = assertConfigured(gatewaysOf(loaded), request.gateway);
  const { host, port } = listenAt(request, settings.url);
  const config: SimulatedConfig = {
    ...settings,
    ...(latencyMs === undefined ? {} : { latencyMs }),
    ...(rateLimitPerSecond === undefined ? {} : { rateLimitPerSecond }),
  };
  const path = request.file ?? bankPathOf(resolveBookUrl(loaded, { flag: request.book, cwd, env }));
  const file = path === ':memory:' ? path : resolve(cwd, path);
  const bank = await openFile(file, config);
  try {
    const server = await serveBank({ bank, clock: systemClock, host, port });
    return {
      ...server,
      file,
      close: async () => {
        await server.close();
        await bank.close();
      },
    };
  } catch (error) {
    await bank.close();
    throw error;
  }
}

/** Where flags say, else where the gateway looks for its bank on this machine, else the standard place. */
function listenAt(request: ServeBankRequest, configured: string | undefined): { host: string; port: number } {
  const url = new URL(configured ?? STANDARD_URL);
  const own = url.protocol === 'http:' && isLoopback(url.hostname) ? url : new URL(STANDARD_URL);
  const host = request.host ?? own.hostname.replace(/^\[|\]$/g, '');
  if (!isLoopback(host) && !request.isExposed) {
    throw new BursarError(
      'invalid_value',
      `Other machines could reach the bank at ${host}, and it asks nobody for credentials. Nothing is served.`,
      { hint: 'Leave --host out, or say --expose if that is what you want.' },
    );
  }
  return { host, port: request.port ?? Number(own.port || 80) };
}

async function openFile(file: string, config: SimulatedConfig): Promise<Bank> {
  try {
    // Out of the latency: the answer still leaves when it should.
    const gatherMs = Math.min(LONGEST_GATHER_MS, (config.latencyMs ?? 0) / 5);
    return await openBank({ path: file, clock: systemClock, config, gatherMs });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error) || error instanceof BursarError) throw error;
    throw new BursarError(
      'gateway_unreachable',
      `The bank's file ${file} can't be opened (${String(error.code)}). Nothing is served.`,
      { hint: 'Its folder must exist, and it must be a file that you may write.', cause: error },
    );
  }
}
