// oclif's hook for a command that doesn't exist: refuses it with the nearest one that does.
import type { Config } from '@oclif/core';
import { BursarError } from '../errors.ts';
import { nearest, nearestCommand } from './suggest.ts';
import { oneLine } from './text.ts';

/** The refusal of the words in `id` (joined by colons, as oclif has them). */
export function unknownCommand(id: string, config: Config): BursarError {
  const words = id.split(':');
  const first = words[0] ?? '';
  if (first.startsWith('-')) return unknownFlag(first);
  const commands = config.commands
    .filter((command) => !command.hidden)
    .map((command) => command.id.replaceAll(':', ' '));
  const known = new Set(commands.flatMap((command) => command.split(' ')[0] ?? []));
  // A command that takes no argument, with a word too many, is looked up with that word in its name.
  const whole = [words.slice(0, 3), words.slice(0, 2), words.slice(0, 1)]
    .map((some) => some.join(' '))
    .find((name) => commands.includes(name));
  const next = whole === undefined ? undefined : words[whole.split(' ').length];
  const stray = commands.some((name) => name.startsWith(`${whole} ${next} `)) ? undefined : next;
  if (whole !== undefined && stray !== undefined) {
    return new BursarError('usage', `Unexpected argument: "${oneLine(stray)}". Nothing was done.`, {
      hint: `See bursar ${whole} --help`,
    });
  }
  const isTopic = known.has(first);
  const isSubtopic = commands.some((name) => name.startsWith(`${words.slice(0, 2).join(' ')} `));
  const typed = isTopic ? words.slice(0, isSubtopic ? 3 : 2).join(' ') : first;
  const guess = nearestCommand(words, commands);
  const seeHelp = isTopic ? `See bursar ${first} --help` : 'See bursar --help';
  return new BursarError('unknown_command', `"${oneLine(typed)}" is not a bursar command. Nothing was done.`, {
    hint: guess === null ? oneLine(seeHelp) : `Did you mean: bursar ${guess}`,
  });
}

function unknownFlag(flag: string): BursarError {
  const guess = nearest(flag, ['--help', '--version']);
  return new BursarError('usage', `Unknown flag: ${oneLine(flag)}. Nothing was done.`, {
    hint: guess === null ? 'See bursar --help' : `Did you mean ${guess}?`,
  });
}

export default async function commandNotFound(options: { id: string; config: Config }): Promise<void> {
  throw unknownCommand(options.id, options.config);
}
