// Free text that a person gives (descriptions, reasons, keys): bounded, and without characters that could drive the
// terminal of whoever reads it later.
import { BursarError } from '../errors.ts';

export const LONGEST_TEXT = 500;
export const LONGEST_KEY = 200;

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

/** What is wrong with `text`, or null. Line breaks count as control characters, marks that reorder text too. */
export function faultOf(text: string, longest: number): string | null {
  if (text.trim() === '') return 'is empty';
  if (hasControl(text)) return 'has control characters';
  const length = [...text].length;
  return length > longest ? `has ${length} characters, ${longest} at most are taken` : null;
}

/** Control characters, line and paragraph separators, bidirectional marks (https://trojansource.codes), half characters. */
export function hasControl(text: string): boolean {
  return /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u202a-\u202e\u2066-\u2069]/u.test(text);
}
