// A CSV file becomes schedules or charges: read as a stream, in batches of one commit each, so that its size costs no
// memory and a kill loses nothing that was told. Each row is made once, by its reference, however often the file is imported.
import { stat } from 'node:fs/promises';
import { Sealing } from '../audit/sealing.ts';
import { BursarError, type ErrorCode } from '../errors.ts';
import type { Ahead } from './ahead.ts';
import { type Heading, readHeading } from './columns.ts';
import type { ImportContext } from './context.ts';
import { DryBook } from './dry-book.ts';
import { Batch, type BatchResult, type Written } from './import-batch.ts';
import { assertUtf8, type CsvRecord, recordPages } from './records.ts';
import { type Reject, RejectsFile, reasonOf } from './rejects.ts';
import type { Common, ImportKind, ImportMade } from './row.ts';

export const DELIMITERS: Readonly<Record<string, string>> = { ',': ',', ';': ';', '|': '|', tab: '\t' };

export interface ImportOptions {
  path: string;
  /** One of DELIMITERS' values. */
  delimiter: string;
  dryRun: boolean;
  /** Where the rejects go; null for a dry run that keeps none. */
  rejects: string | null;
  force: boolean;
  /** Files that no rejects file may replace. */
  forbidden: readonly string[];
  signal: AbortSignal;
  onProgress(bytesRead: number, sum: ImportSum): void;
}

export interface ImportSum {
  rows: number;
  imported: number;
  alreadyThere: number;
  rejected: number;
  customers: number;
  methods: number;
  dueNow: number;
}

export interface ImportResult extends ImportSum {
  /** Where the rejects stand; null where there are none. */
  rejectsFile: string | null;
  rejectedBy: Map<ErrorCode, number>;
  /** Some of the rejects, for a person. */
  samples: { line: number; reason: string }[];
}

const BATCH_ROWS = 1000;
const MOST_SAMPLES = 3;

/** The file's size in bytes. BursarError(`invalid_value`) for what can't be read as a file. */
export async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? 'there is no such file' : 'it can not be reached';
    throw unreadable(path, `${why}. Nothing was imported`, error);
  });
  if (!found.isFile()) throw unreadable(path, 'it is not a file. Nothing was imported');
  return found.size;
}

/**
 * Imports the file. BursarError: `invalid_value` for a heading that is wrong, `corrupt_file` for what is no CSV in UTF-8,
 * `output_exists` and `output_unwritable` for the rejects file, all before anything is written; `interrupted` between two
 * batches.
 */
export async function importFile<Facts extends Common, Made extends ImportMade>(
  context: ImportContext,
  kind: ImportKind<Facts, Made>,
  options: ImportOptions,
): Promise<ImportResult> {
  const run = new Import(context, kind, options);
  try {
    await run.run();
    return await run.end();
  } catch (error) {
    await run.undo();
    throw error instanceof BursarError ? run.told(error) : error;
  }
}

class Import<Facts extends Common, Made extends ImportMade> {
  readonly sum: ImportSum = { rows: 0, imported: 0, alreadyThere: 0, rejected: 0, customers: 0, methods: 0, dueNow: 0 };
  readonly rejectedBy = new Map<ErrorCode, number>();
  readonly samples: ImportResult['samples'] = [];
  readonly #context: ImportContext;
  readonly #kind: ImportKind<Facts, Made>;
  readonly #options: ImportOptions;
  readonly #dry: DryBook | null;
  readonly #sealing: Sealing;
  #file: RejectsFile | null = null;
  #heading: Heading | null = null;
  /** The batch that is being written, until its result is added. */
  #underWay: { batch: Batch<Facts, Made>; written: Promise<void> } | null = null;
  #written: Written | null = null;

  constructor(context: ImportContext, kind: ImportKind<Facts, Made>, options: ImportOptions) {
    this.#context = context;
    this.#kind = kind;
    this.#options = options;
    this.#dry = options.dryRun ? new DryBook() : null;
    this.#sealing = new Sealing(context.charges.book, context.charges.clock);
  }

  async run(): Promise<void> {
    const { path, rejects, force, forbidden, signal } = this.#options;
    await guarded(path, () => assertUtf8(path, signal));
    this.#file = rejects === null ? null : await RejectsFile.begin(rejects, force, [path, ...forbidden]);
    try {
      await guarded(path, () => this.#rows());
    } finally {
      // Whatever ended it: what is being written is told too.
      try {
        await this.#settled();
      } finally {
        await this.#sealing.end();
      }
    }
  }

  async end(): Promise<ImportResult> {
    const rejectsFile = (await this.#file?.end()) ?? null;
    return { ...this.sum, rejectsFile, rejectedBy: this.rejectedBy, samples: this.samples };
  }

  /** Leaves no rejects file behind. */
  async undo(): Promise<void> {
    await this.#file?.undo();
  }

  async #rows(): Promise<void> {
    const { path, delimiter, onProgress } = this.#options;
    let waiting: CsvRecord[] = [];
    for await (const { records, bytesRead } of recordPages(path, delimiter)) {
      if (this.#heading === null) {
        const [first, ...rest] = records;
        if (first === undefined) continue;
        this.#heading = readHeading(path, first, this.#kind.columns);
        waiting = rest;
      } else waiting = waiting.length === 0 ? records : [...waiting, ...records];
      let from = 0;
      for (; waiting.length - from >= BATCH_ROWS; from += BATCH_ROWS) {
        await this.#batch(waiting.slice(from, from + BATCH_ROWS), this.#heading);
        onProgress(bytesRead, this.sum);
      }
      waiting = waiting.slice(from);
    }
    if (this.#heading === null) readHeading(path, { line: 1, cells: [], isBroken: false }, this.#kind.columns);
    else if (waiting.length > 0) await this.#batch(waiting, this.#heading);
  }

  /** Prepares the batch while the one before is written, then begins to write it. */
  async #batch(records: readonly CsvRecord[], heading: Heading): Promise<void> {
    const { signal } = this.#options;
    signal.throwIfAborted();
    // A dry run has a memory of its own of what all earlier batches would have made.
    const before = this.#dry === null ? (this.#underWay?.batch ?? null) : null;
    let batch = await this.#prepared(records, heading, before?.ahead() ?? null);
    await this.#settled();
    signal.throwIfAborted();
    if (before?.isAsPlanned === false) batch = await this.#prepared(records, heading, null);
    const written = this.#write(batch, records.length, heading);
    this.#underWay = { batch, written };
    // It is waited for, and may fail, only when the next one is prepared.
    written.catch(() => undefined);
    if (this.#dry !== null) await written;
  }

  async #prepared(records: readonly CsvRecord[], heading: Heading, ahead: Ahead | null): Promise<Batch<Facts, Made>> {
    const batch = new Batch(this.#context, this.#kind, this.#dry);
    await batch.prepare(records, heading, ahead);
    return batch;
  }

  async #write(batch: Batch<Facts, Made>, rows: number, heading: Heading): Promise<void> {
    this.#written = await batch.write(this.#written);
    this.#add(rows, batch.result);
    const { imported, customers, methods } = batch.result;
    if (this.#dry === null) this.#sealing.note(imported + customers + methods);
    await this.#file?.add(batch.result.rejects, heading);
  }

  async #settled(): Promise<void> {
    const written = this.#underWay?.written;
    this.#underWay = null;
    await written;
  }

  #add(rows: number, { rejects, ...counts }: BatchResult): void {
    this.sum.rows += rows;
    this.sum.rejected += rejects.length;
    for (const name of ['imported', 'alreadyThere', 'customers', 'methods', 'dueNow'] as const) {
      this.sum[name] += counts[name];
    }
    for (const reject of rejects) this.#note(reject);
  }

  #note({ record, error }: Reject): void {
    this.rejectedBy.set(error.code, (this.rejectedBy.get(error.code) ?? 0) + 1);
    if (this.samples.length < MOST_SAMPLES) this.samples.push({ line: record.line, reason: reasonOf(error) });
  }

  /** What ended the import, with how far it had come. */
  told(error: BursarError): BursarError {
    const { rows, imported } = this.sum;
    const { noun } = this.#kind;
    if (rows === 0 || this.#options.dryRun) {
      return again(error, `${error.message} Nothing was imported.`, error.hint);
    }
    const how = 'Import the same file again to go on: what is in the book is passed over.';
    return again(
      error,
      `${error.message} ${imported} ${noun} of the first ${rows} rows were imported and stand in the book.`,
      error.code === 'interrupted' || error.hint === null ? how : `${error.hint} ${how}`,
    );
  }
}

function again({ code, cause }: BursarError, message: string, hint: string | null): BursarError {
  return new BursarError(code, message, { ...(hint === null ? {} : { hint }), cause });
}

/** What the file system says about the file itself, as a refusal. */
async function guarded(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const code = error instanceof Error && 'syscall' in error && 'code' in error ? String(error.code) : null;
    if (code === null) throw error;
    throw unreadable(path, code === 'EACCES' ? 'you may not read it' : code, error);
  }
}

function unreadable(path: string, why: string, cause?: unknown): BursarError {
  return new BursarError('invalid_value', `${path || '""'} can't be imported: ${why}.`, {
    hint: 'Name a CSV file that you may read.',
    cause,
  });
}
