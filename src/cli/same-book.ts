// Commands that are told to be run next: with the --book and --config that this one was run with.
import { shellWord } from '../inspection/shell-word.ts';

export interface BookFlags {
  book?: string | undefined;
  config?: string | undefined;
}

/** A command of bursar's that names no book itself, on the same book; any other as it is. */
export function sameBook(command: string, { book, config }: BookFlags): string {
  if (!command.startsWith('bursar ')) return command;
  const flags = [
    book === undefined || / --book( |$)/.test(command) ? '' : ` --book ${shellWord(book)}`,
    config === undefined ? '' : ` --config ${shellWord(config)}`,
  ];
  return command + flags.join('');
}
