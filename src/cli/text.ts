// Text from outside (gateways, files, people) made safe to print: terminal escapes, other control characters and the
// marks that reorder text on screen are taken out, so that a customer's name can't rewrite what an operator reads.
import { stripVTControlCharacters } from 'node:util';

// Bidirectional controls (https://trojansource.codes) and the C1 block, where 0x9b alone begins an escape sequence.
const BIDI = '\u202a-\u202e\u2066-\u2069';
const UNSAFE = new RegExp(`[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f${BIDI}]`, 'g');
const BREAKS = /[\t\r\n\u2028\u2029]+/g;

/** `text` without terminal escapes and control characters; line breaks and tabs stay. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replace(UNSAFE, '');
}

/** `text` as one line: as `printable`, with each run of line breaks and tabs as one space. */
export function oneLine(text: string): string {
  return printable(text.replace(BREAKS, ' ')).trim();
}

/** A JSON document; bigints print as strings, and what a terminal could take for an escape is written as \\uXXXX. */
export function toJson(data: unknown, indent = 2): string {
  const text = JSON.stringify(
    data,
    (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value),
    indent,
  );
  return text.replace(UNSAFE_IN_JSON, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

// JSON.stringify itself escapes everything below 0x20.
const UNSAFE_IN_JSON = new RegExp(`[\\u007f-\\u009f${BIDI}]`, 'g');

/** 1234567 as `1,234,567`, the same in every locale. */
export function withThousands(count: number | bigint): string {
  return String(count).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** `1 charge`, `1,200 charges`. */
export function counted(count: number, noun: string): string {
  return `${withThousands(count)} ${noun}${count === 1 ? '' : 's'}`;
}
