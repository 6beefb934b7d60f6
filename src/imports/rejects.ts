// The rejects file: every row that did not go in, with its line and the reason, as CSV that can be repaired and imported as
// it stands. It appears when the import ends, and only if there is something in it. Card numbers are masked in it.
import { resolve } from 'node:path';
import { csvLine, unescapeText } from '../audit/csv.ts';
import { assertWritable, OutputFile } from '../audit/output-file.ts';
import type { BursarError } from '../errors.ts';
import { maskPans } from '../money/pan.ts';
import { type Heading, REJECT_COLUMNS } from './columns.ts';
import type { CsvRecord } from './records.ts';

/** Whoever runs the import adds how far it came. */
const NOT_DONE = '';
const LONGEST_REASON = 500;

export interface Reject {
  record: CsvRecord;
  error: BursarError;
}

export class RejectsFile {
  readonly path: string;
  readonly #file: OutputFile;
  #rows = 0;

  private constructor(path: string, file: OutputFile) {
    this.path = path;
    this.#file = file;
  }

  /** Begins one. BursarError(`output_exists`, `output_unwritable`) before anything is imported. */
  static async begin(path: string, force: boolean, forbidden: readonly string[]): Promise<RejectsFile> {
    await assertWritable(
      path,
      force,
      forbidden.map((each) => resolve(each)),
      NOT_DONE,
    );
    return new RejectsFile(path, await OutputFile.begin(path, force, NOT_DONE));
  }

  async add(rejects: readonly Reject[], heading: Heading): Promise<void> {
    if (rejects.length === 0) return;
    const head = this.#rows === 0 ? csvLine([...REJECT_COLUMNS, ...heading.names]) : '';
    this.#rows += rejects.length;
    await this.#file.write(head + rejects.map((reject) => toLine(reject, heading)).join(''));
  }

  /** Puts the file in its place; leaves none when nothing was rejected. Returns its path then, else null. */
  async end(): Promise<string | null> {
    if (this.#rows === 0) {
      await this.#file.undo();
      return null;
    }
    await this.#file.place();
    await this.#file.finish();
    return this.path;
  }

  /** Leaves nothing. */
  async undo(): Promise<void> {
    await this.#file.undo();
  }
}

/** Why a row was rejected, in one line: what happened and what to do. */
export function reasonOf({ message, hint }: BursarError): string {
  const reason = [...maskPans(hint === null ? message : `${message} ${hint}`).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '')];
  return reason.length > LONGEST_REASON ? `${reason.slice(0, LONGEST_REASON).join('')}…` : reason.join('');
}

function toLine({ record, error }: Reject, { width, places, isRejects }: Heading): string {
  const { line, cells, isBroken } = record;
  const own = isBroken
    ? cells
    : cells.slice(width - places.length).map((cell) => (isRejects ? unescapeText(cell) : cell));
  return csvLine([line, error.code, reasonOf(error), ...own.map((cell) => (cell === '' ? null : maskPans(cell)))]);
}
