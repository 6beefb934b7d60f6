// The first minutes: a folder with a book, and a month of billing in it, told by the commands themselves.
import { relative, resolve } from 'node:path';
import { Args } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';
import { makeEmptyFolder, quoted, runSelf } from '../cli/demo-player.ts';
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
    if (this.flags.json) throw new BursarError('usage', 'The demo is told to a person, not as JSON. Nothing was done.');
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
    await this.printLine(`\nThe folder is yours to play with:\n\n  cd ${nearby(folder)}`);
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

/** The way there from here, unless that goes up. */
function nearby(folder: string): string {
  const way = relative(process.cwd(), folder);
  return way.startsWith('..') ? folder : way || '.';
}
