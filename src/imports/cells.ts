// The cells of one row by the names of their columns, and what every cell must be before any rule of its own is asked.
import { unescapeText } from '../audit/csv.ts';
import { BursarError } from '../errors.ts';
import { findPan, refusePan } from '../money/pan.ts';
import { faultOf, hasControl, LONGEST_KEY, LONGEST_METADATA_VALUE, LONGEST_TEXT } from '../written-text.ts';
import type { Heading } from './columns.ts';
import type { CsvRecord } from './records.ts';

/** A card number that a rejects file has masked: importing it as it stands would take the mask for a value. */
const MASKED = /\*{4}/;

/** The trimmed cells of a row. */
export class Cells {
  readonly #heading: Heading;
  /** One for each of the heading's names. */
  readonly #values: readonly string[];

  /** BursarError(`invalid_value`, `card_number`) for what no row may have, whatever its columns mean. */
  constructor({ cells: record, isBroken }: CsvRecord, heading: Heading) {
    if (isBroken) throw new BursarError('invalid_value', 'It is not CSV: a quote stands where none may.');
    if (record.length !== heading.width) {
      throw new BursarError('invalid_value', `It has ${record.length} cells, the heading ${heading.width}.`);
    }
    this.#heading = heading;
    this.#values = heading.places.map((place) => {
      const cell = record[place] ?? '';
      return (heading.isRejects ? unescapeText(cell) : cell).trim();
    });
    this.#refuseForbidden(heading);
  }

  // One look at the whole row: nearly all have nothing of this. A bar parts digits as no card number is parted.
  #refuseForbidden(heading: Heading): void {
    const all = this.#values.join('|');
    if (findPan(all)) this.#each((name, value) => refusePan(name, value));
    if (hasControl(all)) {
      this.#each((name, value) => {
        if (hasControl(value)) throw fault(name, 'has control characters');
      });
    }
    if (heading.isRejects && MASKED.test(all)) {
      this.#each((name, value) => {
        if (MASKED.test(value))
          throw new BursarError('card_number', `${name}: it holds a card number that was masked.`);
      });
    }
  }

  #each(look: (name: string, value: string) => void): void {
    for (const [index, name] of this.#heading.names.entries()) look(name, this.#values[index] ?? '');
  }

  optional(name: string): string | null {
    const index = this.#heading.indexes.get(name);
    // An empty one counts as not given.
    return index === undefined ? null : this.#values[index] || null;
  }

  required(name: string): string {
    const value = this.optional(name);
    if (value === null) throw new BursarError('missing_value', `${name} is empty.`);
    return value;
  }

  /** `parse` of a cell that is given; what it refuses is told with the column's name. */
  parsed<T>(name: string, parse: (text: string) => T): T | null {
    const value = this.optional(name);
    if (value === null) return null;
    try {
      return parse(value);
    } catch (error) {
      if (!(error instanceof BursarError)) throw error;
      const { code, message, hint } = error;
      throw new BursarError(code, `${name}: ${message}`, hint === null ? {} : { hint });
    }
  }

  text(name: string, longest = LONGEST_TEXT): string | null {
    return this.checked(name, (value) => faultOf(value, longest));
  }

  /** The row's identity. */
  reference(): string {
    const value = this.required('reference');
    const found = faultOf(value, LONGEST_KEY);
    if (found !== null) throw fault('reference', found);
    return value;
  }

  checked(name: string, faultIn: (text: string) => string | null): string | null {
    const value = this.optional(name);
    const found = value === null ? null : faultIn(value);
    if (found !== null) throw fault(name, found);
    return value;
  }

  metadata(): Record<string, string> {
    const pairs: [string, string][] = [];
    for (const { index, key } of this.#heading.metadata) {
      const value = this.#values[index] ?? '';
      if (value === '') continue;
      const found = faultOf(value, LONGEST_METADATA_VALUE);
      if (found !== null) throw fault(this.#heading.names[index] ?? '', found);
      pairs.push([key, value]);
    }
    // A key such as __proto__ is an ordinary key here.
    return Object.fromEntries(pairs);
  }
}

function fault(name: string, what: string): BursarError {
  return new BursarError('invalid_value', `${name} ${what}.`);
}
