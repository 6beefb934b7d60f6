// Plays the demo's commands: this very program, started anew for each of them, as a person would.
import { spawn } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { assert, BursarError } from '../errors.ts';

/** Makes the demo's folder; one that holds anything is refused. */
export async function makeEmptyFolder(folder: string): Promise<void> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new BursarError(
      'output_unwritable',
      `${folder} can't be the demo's folder (${error.code}). Nothing was done.`,
      { cause: error },
    );
  });
  if (entries.length > 0) {
    throw new BursarError('output_exists', `${folder} is not empty. Nothing was done.`, {
      hint: 'Name a new folder, or remove that one: bursar demo ./another',
    });
  }
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    throw new BursarError('output_unwritable', `${folder} can't be made (${error.code}). Nothing was done.`, {
      cause: error,
    });
  });
}

/** Runs this very program, and hands on what it prints as it comes. */
export function runSelf(
  words: readonly string[],
  cwd: string,
  show: (text: string) => Promise<boolean>,
): Promise<{ output: string; code: number | null }> {
  const program = process.argv[1];
  assert(program !== undefined, 'the program knows its own path');
  // The folder's own book and configuration, whatever the environment names.
  const { BURSAR_BOOK: _book, BURSAR_CONFIG: _config, ...env } = process.env;
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [program, ...words], { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      void show(text);
    });
    child.on('error', failed);
    child.on('close', (code) => done({ output, code }));
  });
}

/** A word as one would type it. */
export const quoted = (word: string): string => (/^[\w./:@=+-]+$/.test(word) ? word : `"${word}"`);
