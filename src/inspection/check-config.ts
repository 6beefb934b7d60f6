// Whether a configuration can be worked with: every book it names is opened, every gateway made, nothing is written.
import { systemClock } from '../clock.ts';
import { busyTimeoutOf, type Environment, type LoadedConfig, resolveBookUrl } from '../config/load.ts';
import type { GatewayConfig } from '../config/schema.ts';
import { BursarError } from '../errors.ts';
import { createGateway } from '../gateways/registry.ts';
import { type BookMode, openBook } from '../storage/open.ts';

export interface Finding {
  code: string;
  severity: 'error';
  /** `books.main`, `gateways.simulated`. */
  subject: string;
  message: string;
  /** What to do about it. */
  command: string | null;
}

export interface CheckedBook {
  name: string;
  book: string | null;
  mode: BookMode | null;
  schemaVersion: number | null;
}

export interface ConfigCheck {
  books: CheckedBook[];
  gateways: { name: string; type: string }[];
  findings: Finding[];
}

export async function checkConfig(
  loaded: LoadedConfig,
  gatewayConfigs: Record<string, GatewayConfig>,
  where: { cwd: string; env: Environment },
): Promise<ConfigCheck> {
  const check: ConfigCheck = { books: [], gateways: [], findings: [] };
  for (const name of Object.keys(loaded.config.books ?? {})) {
    const checked: CheckedBook = { name, book: null, mode: null, schemaVersion: null };
    check.books.push(checked);
    await finding(check, `books.${name}`, () => checkBook(loaded, checked, where));
  }
  for (const [name, settings] of Object.entries(gatewayConfigs)) {
    check.gateways.push({ name, type: settings.type });
    await finding(check, `gateways.${name}`, async () => {
      // A gateway connects at its first call, so making one reads nothing but its settings.
      const gateway = await createGateway(name, settings, { clock: systemClock, bankPath: ':memory:', isLive: false });
      await gateway.close();
    });
  }
  return check;
}

async function checkBook(
  loaded: LoadedConfig,
  checked: CheckedBook,
  { cwd, env }: { cwd: string; env: Environment },
): Promise<void> {
  checked.book = resolveBookUrl(loaded, { flag: checked.name, cwd, env });
  const book = await openBook(checked.book, { busyTimeoutMs: busyTimeoutOf(env) });
  checked.mode = book.mode;
  checked.schemaVersion = book.schemaVersion;
  await book.close();
}

async function finding(check: ConfigCheck, subject: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof BursarError)) throw error;
    const { code, message, hint } = error;
    check.findings.push({ code, severity: 'error', subject, message, command: hint });
  }
}
