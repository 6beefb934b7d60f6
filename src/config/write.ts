// Writes what `bursar init` adds to bursar.config.json. What stands in the file already is kept as it is.
import { access, constants, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, relative, resolve, sep } from 'node:path';
import { BursarError } from '../errors.ts';
import type { Config, GatewayConfig } from './schema.ts';

export interface ConfigAddition {
  /** The book's absolute path; written relative to the file, so that both can be moved together. */
  book: string;
  /** A gateway to configure under the name of its type, and to use where none is named. */
  gateway?: GatewayConfig['type'] | undefined;
}

/**
 * Adds `books.main` and the gateway where the file has none. The file is valid or not there. Tells whether it was
 * written, and the book that `main` already was where that is another one.
 */
export async function addToConfig(
  path: string,
  { book, gateway }: ConfigAddition,
): Promise<{ written: boolean; otherMain: string | null }> {
  const text = await readFile(path, 'utf8').catch(() => null);
  const config: Config = text === null ? {} : JSON.parse(text.replace(/^\ufeff/, ''));
  const main = config.books?.main?.url;
  const added: Config = { ...config };
  if (main === undefined) added.books = { ...config.books, main: { url: relativeBook(path, book) } };
  if (gateway !== undefined && !Object.hasOwn(config.gateways ?? {}, gateway)) {
    added.gateways = { ...config.gateways, [gateway]: { type: gateway } };
  }
  if (gateway !== undefined && config.defaultGateway === undefined) added.defaultGateway = gateway;
  const otherMain = main === undefined || isSame(main, path, book) ? null : nameOf(main);
  if (JSON.stringify(added) === JSON.stringify(config)) return { written: false, otherMain };
  await replaceFile(path, `${JSON.stringify(added, null, 2)}\n`);
  return { written: true, otherMain };
}

/** Refuses (`invalid_config`) a configuration that `addToConfig` could not write. */
export async function assertWritable(path: string): Promise<void> {
  await access(dirname(path), constants.W_OK).catch((error: unknown) => {
    throw new BursarError(
      'invalid_config',
      `The configuration ${path} can't be written (${codeOf(error)}). Nothing was made.`,
      {
        hint: 'Make its folder, or name another file with --config.',
        cause: error,
      },
    );
  });
}

type BookUrl = string | { env: string };

function isSame(main: BookUrl, path: string, book: string): boolean {
  return typeof main === 'string' && resolve(dirname(path), main) === book;
}

function nameOf(main: BookUrl): string {
  return typeof main === 'string' ? main : `in ${main.env}`;
}

function relativeBook(path: string, book: string): string {
  const way = relative(dirname(path), book).split(sep).join('/');
  return way.startsWith('../') || way.startsWith('/') ? way : `./${way}`;
}

/** A reader sees the old text or the new one, never half of it. The file's mode is kept; a new one is 0600. */
async function replaceFile(path: string, text: string): Promise<void> {
  const draft = `${path}.${process.pid}.new`;
  try {
    const mode = (await stat(path).catch(() => null))?.mode ?? 0o600;
    const file = await open(draft, 'wx', mode & 0o777);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw new BursarError(
      'invalid_config',
      `The configuration ${path} can't be written (${codeOf(error)}); it is as it was.`,
      {
        hint: 'The book itself is there: name it with --book, or make its folder writable and run bursar init again.',
        cause: error,
      },
    );
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
