// Finds bursar.config.json, reads it, and says which book a command means. Every command loads this file, so it does not
// load zod: a config that was validated once is not validated again until it, or the program, changes.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { BursarError } from '../errors.ts';
import type { Config } from './schema.ts';

export const CONFIG_FILE = 'bursar.config.json';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface LoadedConfig {
  /** The file that `config` came from, absolute, or null where there is none. */
  path: string | null;
  /** As in the file, but for paths of SQLite books, which are absolute. */
  config: Config;
}

export interface LoadConfigOptions {
  /** The value of --config. */
  flag?: string | undefined;
  cwd: string;
  env: Environment;
  /** Validates again what was validated before. */
  isStrict?: boolean;
}

/**
 * The configuration: from --config, else BURSAR_CONFIG, else the nearest file upwards from `cwd`, else the user's
 * (XDG base directory specification). No file is an empty configuration. Throws BursarError `invalid_config`,
 * `literal_secret` or `card_number`.
 */
export async function loadConfig({ flag, cwd, env, isStrict = false }: LoadConfigOptions): Promise<LoadedConfig> {
  const named = flag ?? (env.BURSAR_CONFIG || undefined);
  const path = named === undefined ? searchConfig(cwd, env) : resolve(cwd, named);
  if (path === null) return { path: null, config: {} };
  const text = readConfig(path);
  const value = parseJson(text, path);
  const marker = markerOf(text, env);
  if (isStrict || marker === null || !isFile(marker)) {
    const { validateConfig } = await import('./schema.ts');
    validateConfig(value, path);
    if (marker !== null) leaveMarker(marker);
  }
  return { path, config: withAbsoluteBooks(value as Config, path) };
}

export interface BookChoice {
  /** The value of --book. */
  flag?: string | undefined;
  cwd: string;
  env: Environment;
}

/**
 * The absolute path or URL of the book that --book names, else BURSAR_BOOK, else `main`. A value with `/` or `:` in it,
 * or that ends in `.db`, is a path (from `cwd`) or URL; anything else is a name under `books` in the configuration.
 * Throws BursarError `invalid_config` for an unknown name, `book_missing` where nothing names a book at all.
 */
export function resolveBookUrl({ path, config }: LoadedConfig, { flag, cwd, env }: BookChoice): string {
  const asked = flag ?? (env.BURSAR_BOOK || undefined);
  if (asked !== undefined && /[/:]|\.db$/.test(asked)) return absoluteBook(asked, cwd);
  const books = config.books ?? {};
  const names = Object.keys(books);
  if (asked === undefined && names.length === 0) {
    throw new BursarError(
      'book_missing',
      'There is no book yet: none is configured, and --book names none. Nothing was done.',
      {
        hint: 'bursar init --book ./book.db --mode test',
      },
    );
  }
  const name = asked ?? 'main';
  const url = Object.hasOwn(books, name) ? books[name]?.url : undefined;
  if (url === undefined) {
    const known = names.length === 0 ? 'No book is configured.' : `Configured books: ${names.join(', ')}.`;
    throw new BursarError(
      'invalid_config',
      `No book "${name}" is configured${path === null ? '' : ` in ${path}`}. ${known} Nothing was done.`,
      {
        hint: 'Name one of them with --book, or give a path such as ./book.db.',
      },
    );
  }
  if (typeof url === 'string') return url;
  const value = env[url.env];
  if (value === undefined || value === '') {
    throw new BursarError(
      'invalid_config',
      `The book "${name}" is in the environment variable ${url.env}, which is not set. Nothing was done.`,
      {
        hint: `Set ${url.env} to the path or URL of the book.`,
      },
    );
  }
  return absoluteBook(value, path === null ? cwd : dirname(path));
}

/** BURSAR_BUSY_TIMEOUT_MS: how long a command waits for another one's commit before the book counts as locked. */
export function busyTimeoutOf(env: Environment): number | undefined {
  const text = env.BURSAR_BUSY_TIMEOUT_MS;
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,7}$/.test(text)) return Number(text);
  throw new BursarError(
    'invalid_config',
    `BURSAR_BUSY_TIMEOUT_MS is no number of milliseconds: "${text}". Nothing was done.`,
    {
      hint: 'Give digits, such as 10000, or unset it.',
    },
  );
}

function searchConfig(cwd: string, env: Environment): string | null {
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const path = join(folder, CONFIG_FILE);
    if (isFile(path)) return path;
    if (folder === dirname(folder)) break;
  }
  const path = join(userFolder(env.XDG_CONFIG_HOME, '.config', env), 'bursar', CONFIG_FILE);
  return isFile(path) ? path : null;
}

/** XDG base directory specification: a relative value is to be ignored. */
export function userFolder(value: string | undefined, standard: string, env: Environment): string {
  return value !== undefined && isAbsolute(value) ? value : join(env.HOME || homedir(), standard);
}

/** A path that can't be looked at (a file among its folders, no permission) holds no file for us. */
function isFile(path: string): boolean {
  return existsSync(path) && (statSync(path, { throwIfNoEntry: false })?.isFile() ?? false);
}

function readConfig(path: string): string {
  try {
    // A device such as /dev/zero would be read for ever; a pipe (`--config <(…)`) ends.
    const found = statSync(path);
    if (!found.isFile() && !found.isFIFO()) throw Object.assign(new Error('not a file'), { code: 'not a file' });
    return readFileSync(path, 'utf8').replace(/^\ufeff/, '');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    const what = code === 'ENOENT' ? 'does not exist' : `can't be read (${code})`;
    throw new BursarError('invalid_config', `The configuration ${path} ${what}. Nothing was done.`, {
      cause: error,
      hint: 'It is named by --config or BURSAR_CONFIG; without them it is searched for upwards from here.',
    });
  }
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // Neither its message nor the error itself is passed on: V8 quotes the text around the fault, secrets included.
    const before = text.slice(0, faultOffset(text)).split('\n');
    const column = (before.at(-1)?.length ?? 0) + 1;
    throw new BursarError('invalid_config', `${path}:${before.length}:${column}: not valid JSON. Nothing was done.`, {
      hint: 'Look for a missing or trailing comma, a missing quote, or a comment just before that place.',
    });
  }
}

/** Where JSON text stops being JSON (RFC 8259), since V8 tells that only for some faults, and only in its message. */
function faultOffset(text: string): number {
  let at = 0;
  const take = (token: RegExp): boolean => {
    while (' \t\r\n'.includes(text.charAt(at)) && at < text.length) at += 1;
    token.lastIndex = at;
    const isThere = token.test(text);
    if (isThere) at = token.lastIndex;
    return isThere;
  };
  const string = /"(?:[ !#-[\]-\u{10ffff}]|\\u[0-9a-fA-F]{4}|\\["\\/bfnrt])*"/uy;
  const scalar = /true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
  const list = (end: RegExp, depth: number, item: () => boolean): boolean => {
    if (take(end)) return true;
    do {
      if (depth > 500 || !item()) return false;
    } while (take(/,/y));
    return take(end);
  };
  const value = (depth: number): boolean => {
    if (take(/\{/y)) return list(/\}/y, depth, () => take(string) && take(/:/y) && value(depth + 1));
    if (take(/\[/y)) return list(/\]/y, depth, () => value(depth + 1));
    return take(string) || take(scalar);
  };
  if (value(0)) take(/$/y);
  return at;
}

function withAbsoluteBooks(config: Config, path: string): Config {
  if (config.books === undefined) return config;
  const books = Object.entries(config.books).map(([name, { url }]): [string, { url: typeof url }] => [
    name,
    { url: typeof url === 'string' ? absoluteBook(url, dirname(path)) : url },
  ]);
  return { ...config, books: Object.fromEntries(books) };
}

/** A URL as it is; a path from `folder`. One letter before a colon is a drive. */
function absoluteBook(value: string, folder: string): string {
  return /^[a-z][a-z0-9+.-]+:/i.test(value) ? value : resolve(folder, value);
}

/**
 * The file whose presence says that this very text passed validation by this very program. Reading the config and one
 * stat take 0.3 ms, zod 50 ms. A hand-written check would be a second schema to keep in step with the first, and a
 * cached copy of the config a second place to look into; an empty file named by a digest can only be right or missing.
 * package.json goes into the digest for the program's version and the range of zod's.
 */
function markerOf(text: string, env: Environment): string | null {
  let program: Buffer;
  try {
    program = readFileSync(new URL('../../package.json', import.meta.url));
  } catch {
    return null; // Installed without it: nothing tells versions apart, so every start validates.
  }
  const digest = createHash('sha256').update(program).update('\0').update(text).digest('hex');
  return join(userFolder(env.XDG_CACHE_HOME, '.cache', env), 'bursar', `config-ok-${digest}`);
}

/** A cache that can't be written (read-only home, full disk) only costs the next start its 50 ms: never an error. */
function leaveMarker(marker: string): void {
  try {
    mkdirSync(dirname(marker), { recursive: true, mode: 0o700 });
    writeFileSync(marker, '', { mode: 0o600 });
  } catch {
    return;
  }
}
