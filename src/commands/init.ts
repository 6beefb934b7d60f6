// bursar init: makes a book and names it in the configuration, so that every other command finds it.
import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';
import { askChoice, askInput } from '../cli/prompts.ts';
import type { BookMode } from '../storage/open.ts';

const MODES = ['test', 'live'] as const;

export default class Init extends BaseCommand<typeof Init> {
  static override summary = 'Make a book, and write bursar.config.json that names it.';
  static override description =
    'A book stays test or live for good. Doing it a second time changes nothing. --config says where the configuration goes; otherwise it is bursar.config.json in the current directory.';
  static override examples = ['<%= config.bin %> <%= command.id %> --book ./book.db --mode test'];
  static override flags = {
    mode: Flags.option({ options: MODES, summary: 'What the book is for: trying things out, or real money.' })({
      helpValue: MODES.join('|'),
    }),
    gateway: Flags.option({ options: ['simulated'] as const, summary: 'Configure this gateway as the default one.' })({
      helpValue: 'simulated',
    }),
  };

  async run(): Promise<object> {
    const { newBook } = await import('../new-book.ts');
    const { gateway, config } = this.flags;
    const book = this.flags.book ?? (process.env.BURSAR_BOOK || (await this.#askBook()));
    const mode = this.flags.mode ?? (await this.#askMode());
    const made = await newBook({ book, mode, gateway, config, cwd: process.cwd(), env: process.env });
    const { configWritten, otherMain, ...rest } = made;
    if (!made.created) this.terminal.note(`The book ${made.book} was there already; it was not changed.\n`);
    if (otherMain !== null) {
      this.terminal.note(
        `books.main in ${made.config} is another book (${otherMain}) and stays so; name this one with --book.\n`,
      );
    }
    return this.show({ schema: 'bursar.init/1', ...rest }, () =>
      this.printFields([
        ['Book', made.book],
        ['Mode', made.mode],
        ['Configuration', `${made.config}${configWritten ? '' : ' (unchanged)'}`],
        ['Created', made.created],
        ['Schema', made.schemaVersion],
      ]),
    );
  }

  #askBook(): Promise<string> {
    return askInput(this.asker, { flag: '--book', message: 'Where shall the book be?', suggested: './book.db' });
  }

  async #askMode(): Promise<BookMode> {
    const choices = [
      { value: 'test', name: 'test: trying things out, no real money' },
      { value: 'live', name: 'live: real money' },
    ];
    const answer = await askChoice(this.asker, { flag: '--mode', message: 'What is the book for?', choices });
    return answer === 'live' ? 'live' : 'test';
  }
}
