// Free text that comes by a flag (descriptions, reasons, keys), told with the flag where it is refused.
import { BursarError } from '../errors.ts';
import { faultOf, LONGEST_TEXT } from '../written-text.ts';

/** `text` as given. BursarError(`invalid_value`) for none at all, more than `longest` characters, control characters. */
export function checkText(flag: string, text: string, longest = LONGEST_TEXT): string {
  const fault = faultOf(text, longest);
  if (fault === null) return text;
  throw new BursarError('invalid_value', `${flag} ${fault}. Nothing was done.`, {
    hint: `${flag} takes one line of at most ${longest} characters.`,
  });
}

/** The same for a flag that may be left out. */
export function optionalText(flag: string, text: string | undefined, longest = LONGEST_TEXT): string | null {
  return text === undefined ? null : checkText(flag, text, longest);
}
