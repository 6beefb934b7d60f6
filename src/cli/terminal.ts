// Where output goes, and what that place can show: its width and colours on a terminal, neither elsewhere. Handed to
// the printing functions, so that tests give them a sheet of paper instead.
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { BursarError } from '../errors.ts';

export interface Terminal {
  /** The result. Resolves to false once the reader has gone (`| head`): nothing more needs to be made. */
  write(text: string): Promise<boolean>;
  /** Everything that isn't the result. */
  note(text: string): void;
  /** Columns that the result may take, or null when it isn't read on a screen. */
  readonly width: number | null;
  readonly hasColor: boolean;
}

// One for the process: each listens to stdout.
let writer: ClosableWriter | undefined;

/** The process's own stdout and stderr. */
export function processTerminal(env: NodeJS.ProcessEnv = process.env): Terminal {
  const { stdout, stderr } = process;
  return {
    write: (text) => {
      writer ??= new ClosableWriter(stdout);
      return writer.write(text);
    },
    note: (text) => void stderr.write(text),
    width: stdout.isTTY ? Math.max(40, stdout.columns || 80) : null,
    hasColor: Boolean(stdout.isTTY) && !env.NO_COLOR && env.TERM !== 'dumb',
  };
}

/** Writes with back-pressure, and notices that the reader has closed its end. */
class ClosableWriter {
  readonly #stream: Writable;
  #isClosed = false;

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.once('close', () => this.#close());
    stream.once('error', () => this.#close());
  }

  async write(text: string): Promise<boolean> {
    if (this.#isClosed) return false;
    if (!this.#stream.write(text)) await Promise.race([once(this.#stream, 'drain'), this.#closed]);
    // A broken pipe is reported on the next turn of the event loop, not by write() itself.
    else if (this.#stream.errored) this.#close();
    return !this.#isClosed;
  }

  #resolveClosed: () => void = () => undefined;
  readonly #closed = new Promise<void>((resolve) => {
    this.#resolveClosed = resolve;
  });

  #close(): void {
    this.#isClosed = true;
    this.#resolveClosed();
  }
}

/** The result can't be printed. The command may have moved money, so this is no refusal. */
export function resultUnprinted(error: unknown): BursarError {
  const why = error instanceof Error ? error.message : String(error);
  return new BursarError(
    'result_unprinted',
    `The result could not be printed (${why}). What the command did stands in the book.`,
    {
      hint: 'Do not repeat it before you have looked: bursar charges list',
      cause: error,
    },
  );
}
