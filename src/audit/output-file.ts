// A file that appears whole or not at all: written beside its place under another name, made durable, and only then put
// there. Owner-only (0600), since an export tells who paid what.
import { randomBytes } from 'node:crypto';
import { type FileHandle, link, lstat, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { BursarError } from '../errors.ts';

/** So much may wait to be flushed: else all of it would at the end, where nothing can be interrupted. */
const FLUSH_BYTES = 16 * 1024 * 1024;

const NOTHING_EXPORTED = 'Nothing was exported.';

/** Refuses (`output_exists`, `output_unwritable`) a place where no file may be put. */
export async function assertWritable(
  path: string,
  force: boolean,
  forbidden: readonly string[],
  notDone = NOTHING_EXPORTED,
): Promise<void> {
  if (path === '') throw unwritable(path, 'it has no name', notDone);
  if (forbidden.includes(resolve(path))) throw unwritable(path, 'it is a file that bursar itself needs', notDone);
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw unwritable(path, reasonOf(error), notDone, error);
  });
  if (found?.isDirectory()) throw unwritable(path, 'it is a folder', notDone);
  if (found !== null && !found.isFile() && !found.isSymbolicLink()) {
    throw unwritable(path, 'it is not a regular file', notDone);
  }
  if (found !== null && !force) throw exists(path, notDone);
}

export class OutputFile {
  readonly path: string;
  readonly #force: boolean;
  readonly #temporary: string;
  readonly #handle: FileHandle;
  /** What an error says was not done. */
  readonly #notDone: string;
  /** Bytes written since the newest flush was begun. */
  #unflushed = 0;
  /** The newest flush, beside which writing goes on. */
  #flushed: Promise<void> = Promise.resolve();
  #backup: string | null = null;
  #isPlaced = false;

  private constructor(path: string, force: boolean, temporary: string, handle: FileHandle, notDone: string) {
    this.path = path;
    this.#force = force;
    this.#temporary = temporary;
    this.#handle = handle;
    this.#notDone = notDone;
  }

  /** Begins a file that will stand at `path`. BursarError(`output_unwritable`). */
  static async begin(path: string, force: boolean, notDone = NOTHING_EXPORTED): Promise<OutputFile> {
    const temporary = temporaryName(path);
    try {
      return new OutputFile(path, force, temporary, await open(temporary, 'wx', 0o600), notDone);
    } catch (error) {
      throw unwritable(path, reasonOf(error), notDone, error);
    }
  }

  async write(bytes: Buffer | string): Promise<void> {
    // appendFile would write half a megabyte at a time.
    let rest = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    this.#unflushed += rest.length;
    await this.#guarded(async () => {
      while (rest.length > 0) rest = rest.subarray((await this.#handle.write(rest)).bytesWritten);
      if (this.#unflushed < FLUSH_BYTES) return;
      await this.#flushed;
      this.#unflushed = 0;
      this.#flushed = this.#handle.datasync();
      // Awaited by the next one, or before the file is placed; until then a failure is nobody's.
      this.#flushed.catch(() => undefined);
    });
  }

  /** Puts the file in its place, durably. What stood there is kept aside until `finish`. */
  async place(): Promise<void> {
    await this.#guarded(async () => {
      // The system tells of a failure once: the last flush wouldn't hear of it again.
      await this.#flushed;
      await this.#handle.sync();
      await this.#handle.close();
      if (this.#force) await this.#replace();
      else await this.#create();
      this.#isPlaced = true;
      await syncFolder(dirname(this.path));
    });
  }

  /** The file stays. */
  async finish(): Promise<void> {
    if (this.#backup !== null) await rm(this.#backup, { force: true });
  }

  /** Nothing is left, and what stood there before stands there again. */
  async undo(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
    await rm(this.#temporary, { force: true });
    if (this.#backup !== null) await rename(this.#backup, this.path);
    else if (this.#isPlaced) await rm(this.path, { force: true });
  }

  async #replace(): Promise<void> {
    const backup = temporaryName(this.path);
    // A hard link, so that there is never a moment without a file.
    this.#backup = await link(this.path, backup).then(
      () => backup,
      () => null,
    );
    await rename(this.#temporary, this.path);
  }

  // link() fails where a file has appeared meanwhile; rename() would replace it.
  async #create(): Promise<void> {
    try {
      await link(this.#temporary, this.path);
    } catch (error) {
      if (codeOf(error) === 'EEXIST') throw exists(this.path, this.#notDone);
      // A file system without hard links.
      await assertWritable(this.path, false, [], this.#notDone);
      await rename(this.#temporary, this.path);
      return;
    }
    await rm(this.#temporary);
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      throw error instanceof BursarError ? error : unwritable(this.path, reasonOf(error), this.#notDone, error);
    }
  }
}

const temporaryName = (path: string): string =>
  join(dirname(path), `.${basename(path).slice(0, 100)}.${randomBytes(6).toString('hex')}.tmp`);

async function syncFolder(path: string): Promise<void> {
  // Windows can't open a folder, and makes names durable by itself.
  const handle = await open(path, 'r').catch(() => null);
  try {
    await handle?.sync();
  } finally {
    await handle?.close();
  }
}

const REASONS: Record<string, string> = {
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'its folder is not a folder',
  EACCES: 'you may not write there',
  EPERM: 'you may not write there',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  ENAMETOOLONG: 'the name is too long',
};

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');
const reasonOf = (error: unknown): string =>
  REASONS[codeOf(error)] ?? String(error instanceof Error ? error.message : error);

function unwritable(path: string, why: string, notDone: string, cause?: unknown): BursarError {
  return new BursarError('output_unwritable', `${path || '""'} can't be written: ${why}. ${notDone}`.trimEnd(), {
    hint: 'Name a file in a folder that exists and that you may write to.',
    cause,
  });
}

function exists(path: string, notDone: string): BursarError {
  return new BursarError('output_exists', `${path} exists already. ${notDone}`.trimEnd(), {
    hint: 'Choose another name, or replace it with --force.',
  });
}
