// The composition root: the only place where the ports meet what uses them. Each part is imported when it is needed, so
// that a list doesn't pay for a gateway.
import { type Author, authorOf } from './audit/audit.ts';
import type { ChargesContext } from './charges/context.ts';
import type { Pipeline } from './charges/pipeline.ts';
import { SendingGuard } from './charges/sending-guard.ts';
import { type Clock, systemClock, systemRandom } from './clock.ts';
import { busyTimeoutOf, type Environment, type LoadedConfig, loadConfig, resolveBookUrl } from './config/load.ts';
import type { GatewayConfig } from './config/schema.ts';
import { stateFolder } from './config/state-folder.ts';
import type { CustomersContext } from './customers/customers.ts';
import { BursarError } from './errors.ts';
import type { Gateway } from './gateways/gateway.ts';
import { refusePan } from './money/pan.ts';
import { findPolicy, type RetryPolicy } from './retries/policy.ts';
import { Owner } from './storage/lease.ts';
import { type Book, openBook } from './storage/open.ts';

export interface AppOptions {
  /** The values of --book and --config. */
  book?: string | undefined;
  config?: string | undefined;
  /** The command as typed, for the audit log: `charges create`. */
  command: string;
  env: Environment;
  cwd: string;
  /** Only `db migrate` may open a book of an older schema. */
  allowOlder?: boolean;
  /**
   * A run commits again and again beside others that do the same, and SQLite lets whoever asks first have the lock, not
   * who has waited longest: with fifty runs on two busy cores one had no turn for 10 s. It waits for a minute.
   */
  isRun?: boolean;
}

const RUN_BUSY_TIMEOUT_MS = 60_000;

export async function openApp(options: AppOptions): Promise<App> {
  const { env, cwd } = options;
  const config = await loadConfig({ flag: options.config, cwd, env });
  const url = resolveBookUrl(config, { flag: options.book, cwd, env });
  const author = authorOf(options.command, actorOf(env, config));
  const busyTimeoutMs = busyTimeoutOf(env) ?? (options.isRun === true ? RUN_BUSY_TIMEOUT_MS : undefined);
  const book = await openBook(url, { allowOlder: options.allowOlder ?? false, busyTimeoutMs });
  return new App(book, config, author, env);
}

/** Who BURSAR_ACTOR or the configuration says is at work; `null` leaves it to the operating system. */
export function actorOf(env: Environment, { config }: LoadedConfig): string | null {
  const actor = env.BURSAR_ACTOR || (config.actor ?? null);
  if (actor === null) return null;
  refusePan('BURSAR_ACTOR', actor);
  if (actor.length <= LONGEST_ACTOR && !/\p{Cc}/u.test(actor)) return actor;
  throw new BursarError(
    'invalid_value',
    `BURSAR_ACTOR is longer than ${LONGEST_ACTOR} characters or holds control characters. Nothing was done.`,
    {
      hint: 'Give the name that shall stand in the audit log.',
    },
  );
}

const LONGEST_ACTOR = 200;

/** The configured gateways, or the simulated one where none is. */
export function gatewaysOf({ config }: LoadedConfig): Record<string, GatewayConfig> {
  return config.gateways ?? { simulated: { type: 'simulated' } };
}

/** The settings of the gateway `name`; BursarError `unknown_gateway` where there are none. */
export function assertConfigured(configs: Record<string, GatewayConfig>, name: string): GatewayConfig {
  const config = Object.hasOwn(configs, name) ? configs[name] : undefined;
  if (config !== undefined) return config;
  throw new BursarError('unknown_gateway', `No gateway "${name}" is configured. Nothing was done.`, {
    hint: `Configured: ${Object.keys(configs).join(', ')}.`,
  });
}

/** `book.bank.db` beside `book.db`. */
export function bankPathOf(book: string): string {
  return `${book.replace(/\.db$/, '')}.bank.db`;
}

export class App {
  readonly book: Book;
  readonly config: LoadedConfig;
  readonly author: Author;
  readonly clock: Clock = systemClock;
  readonly owner: Owner;
  readonly guard: SendingGuard;
  readonly #gateways = new Map<string, Promise<Gateway>>();
  #pipeline: Promise<Pipeline> | undefined;

  constructor(book: Book, config: LoadedConfig, author: Author, env: Environment) {
    this.book = book;
    this.config = config;
    this.author = author;
    this.owner = new Owner(book, this.clock, author.command);
    this.guard = new SendingGuard({ book, clock: this.clock, author, stateFolder: () => stateFolder(env) });
  }

  /** The zone of local times that name none: configured, else the system's. */
  get timezone(): string {
    const zone: string | undefined = this.config.config.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (zone !== undefined) return zone;
    throw new BursarError('invalid_timezone', 'The environment variable TZ names no time zone. Nothing was done.', {
      hint: 'Set TZ to an IANA name such as Europe/Berlin, or "timezone" in the configuration.',
    });
  }

  get gatewayConfigs(): Record<string, GatewayConfig> {
    return gatewaysOf(this.config);
  }

  policy(name: string): RetryPolicy {
    return findPolicy(name, this.config.config.policies);
  }

  /** The strategy called `name`. BursarError `unknown_gateway`, or `gateway_refused` for a simulated one on a live book. */
  gateway(name: string): Promise<Gateway> {
    let gateway = this.#gateways.get(name);
    if (gateway === undefined) {
      gateway = this.#createGateway(name);
      this.#gateways.set(name, gateway);
    }
    return gateway;
  }

  /** Refuses a gateway that the configuration doesn't have, without loading it. */
  assertGateway(name: string): GatewayConfig {
    return assertConfigured(this.gatewayConfigs, name);
  }

  /** Where the simulated bank of this book keeps its records, unless it is served. */
  get bankPath(): string {
    return bankPathOf(this.book.where);
  }

  async #createGateway(name: string): Promise<Gateway> {
    const config = this.assertGateway(name);
    const { createGateway } = await import('./gateways/registry.ts');
    return createGateway(name, config, {
      clock: this.clock,
      bankPath: this.bankPath,
      isLive: this.book.mode === 'live',
    });
  }

  /** The gateway of that name, else the configured default, else the only one there is; `undefined` where that is open. */
  defaultGateway(named?: string): string | undefined {
    const names = Object.keys(this.gatewayConfigs);
    return named ?? this.config.config.defaultGateway ?? (names.length === 1 ? names[0] : undefined);
  }

  get customers(): CustomersContext {
    const { book, clock, author } = this;
    const assertToken = async (gateway: string, token: string): Promise<void> => {
      const settings = this.assertGateway(gateway);
      const registry = await import('./gateways/registry.ts');
      await registry.assertToken(gateway, settings, token, book.mode === 'live');
    };
    return { book, clock, author, assertToken };
  }

  get charges(): ChargesContext {
    return {
      book: this.book,
      clock: this.clock,
      random: systemRandom,
      author: this.author,
      owner: this.owner,
      guard: this.guard,
      gateway: (name) => this.gateway(name),
      policy: (name) => this.policy(name),
      timezone: this.timezone,
    };
  }

  pipeline(): Promise<Pipeline> {
    this.#pipeline ??= import('./charges/pipeline.ts').then(({ Pipeline }) => new Pipeline(this.charges));
    return this.#pipeline;
  }

  /**
   * Gives up the leases, seals what was written, and closes the gateways and the book. What the book won't take any more
   * is left to the next command that writes, and told by `note`: the command's own work is done and stands.
   */
  async close(note: (text: string) => void = () => undefined): Promise<void> {
    try {
      await this.#leave((error) => {
        // Another command is at it: nothing to tell, it or the next one seals these rows.
        if (error.code === 'book_locked') return;
        note(`Note: the command is done, but its audit rows are not sealed yet. ${error.message}\n`);
      });
    } finally {
      const gateways = await Promise.allSettled(this.#gateways.values());
      await Promise.all(
        gateways.map((gateway) => (gateway.status === 'fulfilled' ? gateway.value.close() : undefined)),
      );
      await this.book.close();
    }
  }

  async #leave(onFault: (error: BursarError) => void): Promise<void> {
    try {
      await this.owner.release();
      if (!this.book.hasWritten) return;
      const { sealPending } = await import('./audit/seal.ts');
      await sealPending(this.book, this.clock);
    } catch (error) {
      if (!(error instanceof BursarError)) throw error;
      onFault(error);
    }
  }
}
