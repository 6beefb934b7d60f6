// The heading of a file to import: which column is which. What is unknown, twice, or missing is refused before a row is read.
import { closest, distance } from 'fastest-levenshtein';
import { BursarError } from '../errors.ts';
import { refusePan } from '../money/pan.ts';
import { faultOf, LONGEST_METADATA_KEY, MOST_METADATA_KEYS, quotable } from '../written-text.ts';
import type { CsvRecord } from './records.ts';

export interface ColumnSpec {
  name: string;
  isRequired?: boolean;
  /** For --help and the docs. */
  meaning: string;
}

/** The columns that say who pays, by which method; the same in every import. */
export const PAYER_COLUMNS: readonly ColumnSpec[] = [
  { name: 'customer', meaning: 'id of a customer of the book; or instead:' },
  { name: 'customer_reference', meaning: "the customer's id in the system you come from; made when it is new" },
  { name: 'name', meaning: 'of the customer; required for a new one' },
  { name: 'email', meaning: 'of the customer' },
  { name: 'method', meaning: 'id of a payment method of the book; or instead:' },
  { name: 'token', meaning: "the gateway's token; the method is made when the customer has none with it" },
  { name: 'gateway', meaning: 'whose token it is; default: the configured default gateway' },
  { name: 'brand', meaning: 'of a new method, such as visa' },
  { name: 'last4', meaning: 'last four digits of a new method' },
];

/** What the rejects file puts before the columns of the file it comes from. */
export const REJECT_COLUMNS = ['line', 'code', 'reason'] as const;

const METADATA = 'metadata.';

export interface Heading {
  /** As they stand in the file, without those of a rejects file. */
  names: string[];
  /** Where each of `names` stands in a record. */
  places: number[];
  /** By name: its index among `names`. */
  indexes: ReadonlyMap<string, number>;
  /** The `metadata.` columns: index among `names`, and key. */
  metadata: readonly { index: number; key: string }[];
  /** How many cells a record has. */
  width: number;
  /** The file is the rejects file of an earlier import: its cells are escaped for spreadsheets. */
  isRejects: boolean;
}

/** Reads the first record. BursarError(`invalid_value`). */
export function readHeading(path: string, { cells }: CsvRecord, specs: readonly ColumnSpec[]): Heading {
  const given = cells.map((cell) => cell.trim());
  const isRejects = REJECT_COLUMNS.every((name, place) => given[place] === name);
  const skipped = isRejects ? REJECT_COLUMNS.length : 0;
  const names = given.slice(skipped);
  const known = specs.map(({ name }) => name);
  for (const name of names) {
    refusePan(`The heading of ${path}`, name);
    if (!known.includes(name) && !isMetadata(name)) throw unknownColumn(path, name, known);
  }
  const twice = names.find((name, place) => names.indexOf(name) !== place);
  if (twice !== undefined) throw refusal(path, `has the column ${quotable(twice)} twice`);
  const missing = specs.filter(({ name, isRequired }) => isRequired && !names.includes(name)).map(({ name }) => name);
  if (missing.length > 0) {
    throw refusal(path, `lacks the column${missing.length === 1 ? '' : 's'} ${missing.join(', ')}`, columnsHint(known));
  }
  const notes = names.filter(isMetadata);
  if (notes.length > MOST_METADATA_KEYS) {
    throw refusal(path, `has ${notes.length} metadata columns, ${MOST_METADATA_KEYS} at most are taken`);
  }
  return headingOf(names, skipped, isRejects);
}

/** The heading of these columns, which stand behind `skipped` others in a record. */
export function headingOf(names: string[], skipped: number, isRejects: boolean): Heading {
  return {
    names,
    places: names.map((_, index) => index + skipped),
    indexes: new Map(names.map((name, index) => [name, index])),
    metadata: names.flatMap((name, index) => {
      const key = metadataKey(name);
      return key === null ? [] : [{ index, key }];
    }),
    width: names.length + skipped,
    isRejects,
  };
}

/** The key of a `metadata.key` column, or null. */
function metadataKey(column: string): string | null {
  return column.startsWith(METADATA) ? column.slice(METADATA.length) : null;
}

function isMetadata(column: string): boolean {
  const key = metadataKey(column);
  return key !== null && faultOf(key, LONGEST_METADATA_KEY) === null;
}

function unknownColumn(path: string, name: string, known: readonly string[]): BursarError {
  const near = closest(name, [...known]);
  const isNear = name !== '' && distance(name, near) <= Math.max(2, Math.floor(near.length / 3));
  const what = name === '' ? 'has a column without a name' : `has a column "${quotable(name)}" that is not known`;
  return refusal(path, what, isNear ? `Did you mean ${near}?` : columnsHint(known));
}

const columnsHint = (known: readonly string[]): string =>
  `Columns: ${known.join(', ')}, and metadata.KEY. Another delimiter is told with --delimiter.`;

function refusal(path: string, what: string, hint?: string): BursarError {
  return new BursarError('invalid_value', `The heading of ${path} ${what}.`, hint ? { hint } : {});
}
