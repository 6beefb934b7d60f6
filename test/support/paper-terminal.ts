// A terminal made of paper: what was printed can be read back. Not wide, not coloured, unless asked.
import type { Terminal } from '../../src/cli/terminal.ts';

export interface PaperTerminal extends Terminal {
  readonly out: string;
  readonly err: string;
  readonly writes: number;
}

/** `reads` is how many writes the reader stays for. */
export function paperTerminal(options: { width?: number; hasColor?: boolean; reads?: number } = {}): PaperTerminal {
  const { width = null, hasColor = false, reads = Number.POSITIVE_INFINITY } = options;
  let out = '';
  let err = '';
  let writes = 0;
  return {
    width,
    hasColor,
    get out() {
      return out;
    },
    get err() {
      return err;
    },
    get writes() {
      return writes;
    },
    write: async (text) => {
      writes += 1;
      if (writes > reads) return false;
      out += text;
      return true;
    },
    note: (text) => {
      err += text;
    },
  };
}
