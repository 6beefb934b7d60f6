// The high-water mark of a book: the highest number of a commit that something was sent under, kept in the user's state
// directory and not beside the book, so that a book restored from an older copy is told by it. Processes race for it and
// Node has no flock, so the mark is an empty file named by the number: made durable, then the lower ones are removed. The
// mark is the highest name, whoever dies in between.
import { access, constants, mkdir, open, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BursarError } from '../errors.ts';
import { syncFolder } from './sync-folder.ts';

const DIGITS = 16;
const NAME = new RegExp(`^\\d{${DIGITS}}$`);

export class Mark {
  readonly folder: string;
  #isPrepared = false;

  /** `stateFolder`: the user's state directory for bursar. */
  constructor(stateFolder: string, bookId: string) {
    this.folder = join(stateFolder, 'marks', bookId);
  }

  /** Makes the folder (0700), durably. BursarError(`state_unwritable`) before anything is opened or sent. */
  async prepare(): Promise<void> {
    if (this.#isPrepared) return;
    await this.#guarded(async () => {
      const made = await mkdir(this.folder, { recursive: true, mode: 0o700 });
      await access(this.folder, constants.W_OK | constants.X_OK);
      if (made !== undefined) await syncFromTo(this.folder, dirname(made));
    });
    this.#isPrepared = true;
  }

  /** 0 where nothing was ever sent from this book, as far as this state directory knows. */
  async highest(): Promise<number> {
    return this.#guarded(async () => (await this.#numbers()).at(-1) ?? 0);
  }

  /**
   * Keeps this number, durably. `taken`: someone has kept the very same one, which two processes of one book never do,
   * since each commit has a number of its own.
   */
  async keep(sequence: number): Promise<'kept' | 'taken'> {
    return this.#guarded(async () => {
      try {
        await this.#create(sequence);
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error;
        return 'taken';
      }
      await syncFolder(this.folder);
      const lower = (await this.#numbers()).filter((number) => number < sequence);
      await Promise.all(lower.map((number) => rm(this.#path(number), { force: true })));
      return 'kept';
    });
  }

  async #create(sequence: number): Promise<void> {
    const make = async (): Promise<void> => (await open(this.#path(sequence), 'wx', 0o600)).close();
    await make().catch(async (error: unknown) => {
      // The folder was removed under a running process.
      if (codeOf(error) !== 'ENOENT') throw error;
      this.#isPrepared = false;
      await this.prepare();
      await make();
    });
  }

  async #numbers(): Promise<number[]> {
    const names = await readdir(this.folder).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    });
    return names
      .filter((name) => NAME.test(name))
      .map(Number)
      .sort((one, other) => one - other);
  }

  #path(sequence: number): string {
    return join(this.folder, String(sequence).padStart(DIGITS, '0'));
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof BursarError) throw error;
      throw new BursarError(
        'state_unwritable',
        `What was sent can't be remembered in ${this.folder} (${codeOf(error) || String(error)}), so nothing is sent.`,
        {
          hint: 'Make that folder writable for you, or name another one that stays with BURSAR_STATE_DIR.',
          cause: error,
        },
      );
    }
  }
}

/** Makes every new name from `folder` up to the one in `top` durable. */
async function syncFromTo(folder: string, top: string): Promise<void> {
  for (let path = folder; path.length >= top.length; path = dirname(path)) {
    await syncFolder(path);
    if (path === dirname(path)) return;
  }
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '');
