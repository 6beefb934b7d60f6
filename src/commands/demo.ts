// The first minutes: a folder with a book, and a month of billing in it, told by the commands themselves.
import { spawn } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { Args } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';
import { DEMO_NEXT, type DemoStep, demoStory } from '../cli/demo-story.ts';
import { systemClock } from '../clock.ts';
import { assert, BursarError } from '../errors.ts';

export default class Demo extends BaseCommand<typeof Demo> {
  static override summary = 'Make a folder with a book and bill a month in it.';
  static override description =
    'Runs real commands one after the other, each printed before its output, and leaves the folder to play with.';
  static override examples = ['<%= config.bin %> demo ./demo'];
  static override enableJsonFlag = false;
  static override args = {
    folder: Args.string({ default: './demo', description: 'The folder to make; must be new or empty.' }),
  };

  async run(): Promise<void> {
    const folder = resolve(this.args.folder);
    await makeEmptyFolder(folder);
    const known = new Map<string, string>();
    for (const step of demoStory(new Date(systemClock.nowMs()))) {
      const words = step.words.map((word) =>
        word.replace(/\{([a-z-]+)\}/g, (_, name: string) => known.get(name) ?? name),
      );
      if (step.says !== undefined) await this.printLine(`\n# ${step.says}`);
      await this.printLine(`\n$ bursar ${words.map(quoted).join(' ')}`);
      const output = await this.#play(step, words, folder);
      const { remembers } = step;
      if (remembers === undefined) continue;
      const id = new RegExp(`\\b${remembers.prefix}_[0-9a-z]{26}\\b`).exec(output)?.[0];
      assert(id !== undefined, `no ${remembers.prefix} id in the output`);
      known.set(remembers.name, id);
    }
    await this.printLine(`\nThe folder is yours to play with:\n\n  cd ${relative(process.cwd(), folder) || '.'}`);
    for (const next of DEMO_NEXT) await this.printLine(`  ${next}`);
  }

  async #play(step: DemoStep, words: readonly string[], folder: string): Promise<string> {
    const { output, code } = await runSelf(words, folder, (text) => this.terminal.write(text));
    if (code === null || !(step.ends ?? [0]).includes(code)) {
      throw new BursarError('invalid_state', `The demo stopped: "bursar ${words.join(' ')}" ended with ${code}.`, {
        hint: `What was done so far stands in ${folder}.`,
      });
    }
    if (code !== 0) await this.printLine(`(ended with ${code})`);
    return output;
  }
}

async function makeEmptyFolder(folder: string): Promise<void> {
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
function runSelf(
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

const quoted = (word: string): string => (/^[\w./:@=+-]+$/.test(word) ? word : `"${word}"`);
