// Every setting in force and where it comes from: a flag, BURSAR_*, the file, or what holds without any of them.
import { userInfo } from 'node:os';
import { type Environment, type LoadedConfig, resolveBookUrl } from '../config/load.ts';
import type { GatewayConfig } from '../config/schema.ts';
import { BursarError } from '../errors.ts';

export interface Setting {
  key: string;
  value: string | number | boolean | null;
  /** `--book`, `BURSAR_BOOK`, the file's path, or `default`. */
  origin: string;
}

export interface SettingsSource {
  loaded: LoadedConfig;
  gatewayConfigs: Record<string, GatewayConfig>;
  flags: { book?: string | undefined; config?: string | undefined };
  env: Environment;
  cwd: string;
}

export function settingsInForce(source: SettingsSource): Setting[] {
  const { loaded, gatewayConfigs, flags, env } = source;
  const { config, path } = loaded;
  const file = path ?? 'default';
  const isZoned = config.timezone !== undefined;
  const zone = config.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  const { books, gateways, policies, timezone: _zone, actor, $schema: _schema, ...rest } = config;
  return [
    {
      key: 'config',
      value: path,
      origin: originOf(flags.config, '--config', env.BURSAR_CONFIG, 'BURSAR_CONFIG', 'default'),
    },
    {
      key: 'book',
      value: bookOf(source),
      origin: originOf(flags.book, '--book', env.BURSAR_BOOK, 'BURSAR_BOOK', file),
    },
    {
      key: 'actor',
      value: env.BURSAR_ACTOR || (actor ?? userInfo().username),
      origin: originOf(undefined, '', env.BURSAR_ACTOR, 'BURSAR_ACTOR', actor === undefined ? 'default' : file),
    },
    { key: 'timezone', value: zone, origin: isZoned ? file : 'default' },
    {
      key: 'busyTimeoutMs',
      value: Number(env.BURSAR_BUSY_TIMEOUT_MS || 10_000),
      origin: originOf(undefined, '', env.BURSAR_BUSY_TIMEOUT_MS, 'BURSAR_BUSY_TIMEOUT_MS', 'default'),
    },
    ...leaves('books', books, file),
    ...leaves('gateways', gatewayConfigs, gateways === undefined ? 'default' : file),
    ...leaves('policies', policies, file),
    ...leaves('', rest, file),
  ];
}

function originOf(
  flag: string | undefined,
  flagName: string,
  env: string | undefined,
  envName: string,
  otherwise: string,
): string {
  if (flag !== undefined) return flagName;
  return env === undefined || env === '' ? otherwise : envName;
}

/** Null where nothing names a book; a name that isn't configured is refused as everywhere else. */
function bookOf({ loaded, flags, env, cwd }: SettingsSource): string | null {
  try {
    return resolveBookUrl(loaded, { flag: flags.book, cwd, env });
  } catch (error) {
    if (error instanceof BursarError && error.code === 'book_missing') return null;
    throw error;
  }
}

/** `gateways.simulated.timeoutMs` and its like. What stands in an environment variable is told by its name. */
function leaves(prefix: string, value: unknown, origin: string): Setting[] {
  if (value === undefined) return [];
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return [{ key: prefix, value, origin }];
  }
  if (Array.isArray(value)) return [{ key: prefix, value: value.join(', '), origin }];
  const fields = Object.entries(value as object);
  if (fields.length === 1 && fields[0]?.[0] === 'env')
    return [{ key: prefix, value: `$${String(fields[0][1])}`, origin }];
  return fields.flatMap(([key, inner]) => leaves(prefix === '' ? key : `${prefix}.${key}`, inner, origin));
}
