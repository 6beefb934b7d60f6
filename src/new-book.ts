// What `bursar init` does: makes a book, or finds that it is there, and names it in the configuration. Beside app.ts,
// which opens books that exist.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { actorOf } from './app.ts';
import { appendAudit, authorOf } from './audit/audit.ts';
import { sealPending } from './audit/seal.ts';
import { type Clock, systemClock } from './clock.ts';
import { busyTimeoutOf, CONFIG_FILE, type Environment, type LoadedConfig, loadConfig } from './config/load.ts';
import type { GatewayConfig } from './config/schema.ts';
import { addToConfig, assertWritable } from './config/write.ts';
import { BursarError } from './errors.ts';
import { type BookMode, bookExists, createBook, openBook } from './storage/open.ts';

export interface NewBookRequest {
  /** A path, from `cwd`. */
  book: string;
  mode: BookMode;
  gateway?: GatewayConfig['type'] | undefined;
  /** The value of --config. */
  config?: string | undefined;
  cwd: string;
  env: Environment;
  clock?: Clock;
}

export interface NewBook {
  book: string;
  mode: BookMode;
  /** The configuration, absolute. */
  config: string;
  created: boolean;
  schemaVersion: number;
  configWritten: boolean;
  /** What `books.main` of the configuration is, where it is another book than this one. */
  otherMain: string | null;
}

/** Makes the book unless it is there. An existing one of another mode is refused (`conflict`), and nothing is changed. */
export async function newBook(request: NewBookRequest): Promise<NewBook> {
  const { env, cwd, mode, gateway, clock = systemClock } = request;
  const configPath = resolve(cwd, request.config ?? (env.BURSAR_CONFIG || CONFIG_FILE));
  // Read before anything is made, so that a configuration that can't be used leaves no book behind.
  const config = existsSync(configPath) ? await loadConfig({ flag: configPath, cwd, env }) : null;
  await assertWritable(configPath);
  actorOf(env, config ?? { path: null, config: {} });
  const path = pathOf(request.book, cwd);
  if (gateway === 'simulated' && mode === 'live') {
    throw new BursarError('gateway_refused', 'A live book takes no simulated gateway. Nothing was made.', {
      hint: 'Make a test book, or leave out --gateway.',
    });
  }
  const created = !(await bookExists(path));
  if (created) await make(path, request, config, clock);
  const schemaVersion = await checkAndSeal(path, request, created, clock);
  const { written, otherMain } = await addToConfig(configPath, { book: path, gateway });
  return { book: path, mode, config: configPath, created, schemaVersion, configWritten: written, otherMain };
}

function pathOf(book: string, cwd: string): string {
  if (/^[a-z][a-z0-9+.-]+:/i.test(book)) return book;
  if (/[/]|\.db$/.test(book)) return resolve(cwd, book);
  throw new BursarError('invalid_value', `--book "${book}" is a name, and a new book needs a path. Nothing was made.`, {
    hint: `Give a path that has a / or ends in .db, such as ./${book}.db.`,
  });
}

/** The book and its first audit row, in one commit. */
async function make(
  path: string,
  { mode, env }: NewBookRequest,
  config: LoadedConfig | null,
  clock: Clock,
): Promise<void> {
  const author = authorOf('init', actorOf(env, config ?? { path: null, config: {} }));
  const nowMs = clock.nowMs();
  await createBook(path, mode, nowMs, (trx) =>
    appendAudit(trx, author, nowMs, [{ subject: 'book', action: 'book.create', after: { mode }, result: 'created' }]),
  );
}

/** Opens the book as every command will, and seals the first row. */
async function checkAndSeal(
  path: string,
  { mode, env }: NewBookRequest,
  created: boolean,
  clock: Clock,
): Promise<number> {
  const book = await openBook(path, { busyTimeoutMs: busyTimeoutOf(env) });
  try {
    if (book.mode !== mode) {
      throw new BursarError('conflict', `${path} is a ${book.mode} book already. Nothing was changed.`, {
        hint: `Use it as it is, or name another file: a book stays ${book.mode} for good.`,
      });
    }
    if (created) await sealPending(book, clock);
    return book.schemaVersion;
  } finally {
    await book.close();
  }
}
