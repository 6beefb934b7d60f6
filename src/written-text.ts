// What a person may write about a customer, charge or schedule, whichever way it comes in: bounded, and without characters
// that could drive the terminal of whoever reads it later.

export const LONGEST_TEXT = 500;
export const LONGEST_KEY = 200;

export const MOST_METADATA_KEYS = 50;
export const LONGEST_METADATA_KEY = 40;
export const LONGEST_METADATA_VALUE = 500;

/** What is wrong with `text`, or null. Line breaks count as control characters, marks that reorder text too. */
export function faultOf(text: string, longest: number): string | null {
  if (text.trim() === '') return 'is empty';
  if (hasControl(text)) return 'has control characters';
  // Never more characters than code units: most text is short, and needs no counting.
  if (text.length <= longest) return null;
  const length = [...text].length;
  return length > longest ? `has ${length} characters, ${longest} at most are taken` : null;
}

/** Control characters, line and paragraph separators, bidirectional marks (https://trojansource.codes), half characters. */
export function hasControl(text: string): boolean {
  return /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u202a-\u202e\u2066-\u2069]/u.test(text);
}

/** The beginning of `text` without what could drive a terminal, to be quoted in a message. */
export function quotable(text: string): string {
  return [...text.slice(0, 200).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '')].slice(0, 40).join('');
}

const LONGEST_MESSAGE = 2000;

/** A message quotes what it is about, which may be a file's worth of text: its beginning and its end. */
export function clipped(text: string): string {
  return text.length <= LONGEST_MESSAGE
    ? text
    : `${text.slice(0, LONGEST_MESSAGE / 2)} … ${text.slice(-LONGEST_MESSAGE / 2)}`;
}
