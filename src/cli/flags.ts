// Flags that several commands share, and what a list's flags come to. Values that have rules of their own (amounts,
// ids, times) are plain strings here and are checked by the modules that own those rules.
import { Flags } from '@oclif/core';
import { BursarError } from '../errors.ts';
import { LIST_FORMATS, type ListFormat } from './output.ts';

export const DEFAULT_LIMIT = 50;

/** A flag that takes a whole number from `min` to `max`. */
export const wholeNumber = Flags.custom<number, { min?: number; max?: number }>({
  helpValue: 'N',
  parse: async (text, _context, { min = 0, max = Number.MAX_SAFE_INTEGER, name }) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    const range = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `from ${min} to ${max}`;
    throw new BursarError(
      'invalid_value',
      `--${name} takes a whole number, ${range}, not "${text}". Nothing was done.`,
    );
  },
});

export const formatFlag = Flags.option({ options: LIST_FORMATS, summary: 'How the list is printed.' });

/** For a list in time: `...listFlags, ...timeRangeFlags`. */
export const timeRangeFlags = {
  since: Flags.string({ helpValue: 'TIME', summary: 'Only from this time on.' }),
  until: Flags.string({ helpValue: 'TIME', summary: 'Only before this time.' }),
};

export const listFlags = {
  limit: wholeNumber({ min: 1, summary: `How many to print. Default: ${DEFAULT_LIMIT}, or all for ndjson and csv.` }),
  all: Flags.boolean({ exclusive: ['limit'], summary: 'Print all.' }),
  format: formatFlag({ helpValue: LIST_FORMATS.join('|') }),
};

export interface ListFlags {
  limit?: number | undefined;
  all: boolean;
  format?: ListFormat | undefined;
  json?: boolean | undefined;
}

/** The format and the most rows (null for all) that a list's flags ask for. */
export function listRange(flags: ListFlags): { format: ListFormat; limit: number | null } {
  if (flags.json && flags.format !== undefined && flags.format !== 'json') {
    throw new BursarError('usage', `--json and --format ${flags.format} ask for two formats. Nothing was done.`, {
      hint: 'Leave one of them out.',
    });
  }
  const format = flags.json ? 'json' : (flags.format ?? 'table');
  if (flags.all) return { format, limit: null };
  const isStreamed = format === 'csv' || format === 'ndjson';
  return { format, limit: flags.limit ?? (isStreamed ? null : DEFAULT_LIMIT) };
}
