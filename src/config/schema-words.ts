// What is wrong with a value that a schema refuses, in words of our own: zod's name types of JavaScript.
import type { z } from 'zod';

const KINDS: Readonly<Record<string, string>> = {
  object: 'an object',
  record: 'an object',
  array: 'a list',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
};

/** For `safeParse(value, { error: schemaWords })`; a schema's own message goes before it. Never repeats the value. */
export function schemaWords(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is missing' : `must be ${KINDS[issue.expected] ?? 'of another kind'}`;
    case 'invalid_value':
      if (issue.input === undefined) return 'is missing';
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
    case 'too_small':
      if (issue.origin === 'string') return 'must not be empty';
      return `must be ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
    case 'too_big':
      if (issue.origin === 'string') return `must not be longer than ${issue.maximum} characters`;
      if (issue.origin === 'array') return `must not have more than ${issue.maximum} items`;
      return `must be at most ${issue.maximum}`;
    case 'invalid_format':
      return issue.format === 'datetime' ? 'is not a time such as 2027-01-31T09:00:00.000Z' : 'is not well formed';
    case 'unrecognized_keys':
      return 'has a field that is not known';
    default:
      return 'is not well formed';
  }
}

/** `bytes is missing`, `timezone: not a time zone`: a place and what is wrong there. */
export function faultAt(place: string, words: string): string {
  return /^(?:is|must|has) /.test(words) ? `${place} ${words}` : `${place}: ${words}`;
}
