// Exports the audit log, or a part of it, with a manifest that proves the rows without the book. Pages of text come out
// of SQLite as bytes and go to the file as they are, so memory doesn't grow with the rows.
import { createHash } from 'node:crypto';
import { basename, resolve } from 'node:path';
import type { Clock } from '../clock.ts';
import { BursarError } from '../errors.ts';
import type { Book } from '../storage/open.ts';
import { writeTrx } from '../storage/trx.ts';
import { type Author, appendAudit } from './audit.ts';
import type { AuditFilter } from './audit-rows-store.ts';
import { lastSequenceOf, type Seal } from './audit-store.ts';
import { csvHeader, EXPORT_COLUMNS, HASHED_FIELDS } from './export-columns.ts';
import { pagesOfLog } from './export-pages.ts';
import { type ExportFormat, exportPage, fetchPage, type PageRange } from './export-store.ts';
import { type ExportTotal, TotalsCounter } from './export-totals.ts';
import { type Head, toHead } from './head.ts';
import { MANIFEST_SCHEMA, type Manifest, type ManifestFilters, manifestText } from './manifest.ts';
import { assertWritable, OutputFile } from './output-file.ts';
import { manifestSeals } from './proofs.ts';
import { sealPending } from './seal.ts';

export interface ExportOptions {
  /** Null: the rows go to `stdout`. */
  out: string | null;
  /** Null: no manifest is kept. */
  manifest: string | null;
  stdout: (bytes: Buffer) => Promise<void>;
  format: ExportFormat;
  filter: AuditFilter;
  force: boolean;
  signal: AbortSignal;
}

export interface ExportContext {
  book: Book;
  clock: Clock;
  author: Author;
  /** Files that must never be written over: the book's own, and the configuration. */
  forbidden: readonly string[];
}

/** `bursar.export/1`. */
export interface ExportResult {
  schema: 'bursar.export/1';
  file: string | null;
  manifest: string | null;
  rows: number;
  sha256: string;
  totals: ExportTotal[];
  head: Head | null;
}

/**
 * Seals what is pending, writes file and manifest, and logs the export in the audit log. Both files appear whole or not
 * at all. BursarError: `output_exists`, `output_unwritable`, `interrupted`.
 */
export async function exportAudit(context: ExportContext, options: ExportOptions): Promise<ExportResult> {
  const { out, manifest, force } = options;
  const targets = [out, manifest].filter((path) => path !== null);
  if (out !== null && manifest !== null && resolve(out) === resolve(manifest)) {
    throw new BursarError('usage', 'The file and its manifest have the same name. Nothing was exported.');
  }
  for (const path of targets) await assertWritable(path, force, context.forbidden);
  const { head } = await sealPending(context.book, context.clock, options.signal);
  const files: OutputFile[] = [];
  const begin = async (path: string | null): Promise<OutputFile | null> => {
    if (path === null) return null;
    const file = await OutputFile.begin(path, force);
    files.push(file);
    return file;
  };
  const progress = { rows: 0 };
  try {
    const result = await writeFiles(context, options, head, await begin(out), await begin(manifest), progress);
    options.signal.throwIfAborted();
    for (const file of files) await file.place();
    await logExport(context, options, result, 'exported');
    for (const file of files) await file.finish();
    return result;
  } catch (error) {
    for (const file of files) await file.undo();
    // What went to stdout has left the book all the same.
    if (out === null && progress.rows > 0)
      await logExport(context, options, { ...progress, sha256: null, head: null }, 'incomplete');
    throw error;
  }
}

async function writeFiles(
  { book, clock }: ExportContext,
  options: ExportOptions,
  sealed: Seal | null,
  file: OutputFile | null,
  manifestFile: OutputFile | null,
  progress: { rows: number },
): Promise<ExportResult> {
  const { format, filter, signal } = options;
  const head = sealed === null ? null : toHead(sealed);
  // Of the head's own seal: another process may have sealed more meanwhile, which the manifest doesn't know.
  const last = sealed === null ? 0 : await lastSequenceOf(book.reader, sealed.sequence);
  const counter = new TotalsCounter();
  const fetch = (range: PageRange) => fetchPage(book.reader, format, filter, range);
  const hash = createHash('sha256');
  let size = 0;
  const write = async (bytes: Buffer): Promise<void> => {
    signal.throwIfAborted();
    const written = file === null ? options.stdout(bytes) : file.write(bytes);
    hash.update(bytes);
    size += bytes.length;
    await written;
  };
  if (format === 'csv') await write(Buffer.from(csvHeader));
  for await (const fetched of pagesOfLog(book.reader, last, fetch)) {
    const page = await exportPage(book.reader, format, filter, fetched);
    // Counted before it is written: what went to a reader that left half-way has left the book.
    progress.rows += page.rows;
    counter.addTotals(page.totals);
    await write(page.bytes);
  }
  const { rows } = progress;
  const sha256 = hash.digest('hex');
  const totals = counter.list();
  const name = options.out === null ? null : basename(options.out);
  const fields: Omit<Manifest, 'seals'> = {
    schema: MANIFEST_SCHEMA,
    file: name,
    format,
    columns: [...EXPORT_COLUMNS],
    hashedFields: HASHED_FIELDS,
    filters: filtersOf(filter),
    rows,
    totals,
    sha256,
    bytes: size,
    exportedAt: new Date(clock.nowMs()).toISOString(),
    head,
  };
  if (manifestFile !== null) {
    const seals = manifestSeals(book.reader, filter, sealed?.sequence ?? 0);
    for await (const text of manifestText(fields, seals)) {
      signal.throwIfAborted();
      await manifestFile.write(text);
    }
  }
  return { schema: 'bursar.export/1', file: options.out, manifest: options.manifest, rows, sha256, totals, head };
}

/** Who took which rows out of the book. The head in the manifest precedes this row. */
async function logExport(
  { book, clock, author }: ExportContext,
  { out, manifest, format, filter }: ExportOptions,
  { rows, sha256, head }: { rows: number; sha256: string | null; head: Head | null },
  result: string,
): Promise<void> {
  await writeTrx(book, async (trx) => {
    const after = {
      file: out === null ? null : resolve(out),
      manifest: manifest === null ? null : resolve(manifest),
      format,
      filters: filtersOf(filter),
      rows,
      sha256,
      head: head?.sealHash ?? null,
    };
    const subject = out === null ? 'stdout' : basename(out);
    await appendAudit(trx, author, clock.nowMs(), [{ subject, action: 'audit.export', after, result }]);
  });
}

function filtersOf({ sinceMs, untilMs, customerId, gateway, status, kind }: AuditFilter): ManifestFilters {
  const iso = (timeMs: number | undefined): string | null =>
    timeMs === undefined ? null : new Date(timeMs).toISOString();
  return {
    since: iso(sinceMs),
    until: iso(untilMs),
    customer: customerId ?? null,
    gateway: gateway ?? null,
    status: status ?? null,
    kind: kind ?? null,
  };
}
