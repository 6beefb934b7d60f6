// Flags that take some of a few known words, repeated or divided by commas: `--status failed,exhausted`.
import { BursarError } from '../errors.ts';
import { nearest } from './suggest.ts';
import { oneLine } from './text.ts';

/** The words given, each once. BursarError(`invalid_value`) for one that is not known, with the nearest that is. */
export function chosenWords<Word extends string>(
  flag: string,
  given: readonly string[],
  known: readonly Word[],
): Word[] {
  return [
    ...new Set(
      given.flatMap((text) => text.split(',')).map((text) => chosenWord(flag, text.trim().toLowerCase(), known)),
    ),
  ];
}

/** The one word given. BursarError(`invalid_value`) with the nearest that is known. */
export function chosenWord<Word extends string>(flag: string, text: string, known: readonly Word[]): Word {
  const word = known.find((each) => each === text);
  if (word !== undefined) return word;
  const guess = nearest(text, known);
  throw new BursarError('invalid_value', `${flag}: there is no "${oneLine(text)}". Nothing was done.`, {
    hint: `${guess === null ? '' : `Did you mean ${guess}? `}Known: ${known.join(', ')}.`,
  });
}
