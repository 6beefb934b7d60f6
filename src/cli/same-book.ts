// Commands that are told to be run next: with the --book and --config that this one was run with.
import { shellWord } from '../inspection/shell-word.ts';

export interface BookFlags {
  book?: string | undefined;
  config?: string | undefined;
}

/** A command of bursar's that names no book itself, on the same book; any other as it is. A URL may hold a password. */
export function sameBook(command: string, { book, config }: BookFlags): string {
  if (!/^bursar [a-z]/.test(command)) return command;
  const flags = [
    book === undefined || / --book( |$)/.test(command) || /^[a-z][a-z0-9+.-]+:/i.test(book)
      ? ''
      : ` --book ${shellWord(book)}`,
    config === undefined ? '' : ` --config ${shellWord(config)}`,
  ];
  return command + flags.join('');
}
