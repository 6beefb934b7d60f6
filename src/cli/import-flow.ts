// What `charges import` and `schedules import` share: from flags to the import, its progress bar, its summary and its exit
// status.
import { Args, Flags } from '@oclif/core';
import type { App } from '../app.ts';
import { CATCH_UP_WINDOW_MS } from '../billing/periods.ts';
import { BursarError, EXIT, type ExitCode } from '../errors.ts';
import type { ColumnSpec } from '../imports/columns.ts';
import type { ImportContext } from '../imports/context.ts';
import { DELIMITERS, type ImportResult, importFile, sizeOf } from '../imports/import-file.ts';
import type { Common, ImportKind, ImportMade } from '../imports/row.ts';
import type { Cell } from './columns.ts';
import { confirmOnLive } from './live-guard.ts';
import { startImportProgress } from './progress.ts';
import type { Asker } from './prompts.ts';
import { nearest } from './suggest.ts';
import { counted, oneLine } from './text.ts';

export const importArgs = { file: Args.string({ required: true, description: 'The CSV file.' }) };

export const importFlags = {
  rejects: Flags.string({ helpValue: 'FILE', summary: 'Where rejected rows go. Default: FILE.rejects.csv.' }),
  force: Flags.boolean({ summary: 'Replace a rejects file that exists.' }),
  delimiter: Flags.string({ helpValue: ', ; | tab', default: ',', summary: 'What stands between the cells.' }),
  'dry-run': Flags.boolean({ summary: 'Check every row; write nothing but the rejects file that --rejects names.' }),
};

export interface ImportFlags {
  rejects?: string | undefined;
  force: boolean;
  delimiter: string;
  'dry-run': boolean;
}

/** The part of --help that tells the columns, one a line. */
export function columnsHelp(columns: readonly ColumnSpec[]): string {
  const lines = columns.map(({ name, isRequired, meaning }) => `${name}${isRequired ? ' (required)' : ''}: ${meaning}`);
  return ['Columns:', ...lines, 'metadata.KEY: a note of your own'].map((line) => `  ${line}`.trimEnd()).join('\n');
}

export interface ImportDocument {
  schema: 'bursar.import/1';
  kind: 'charges' | 'schedules';
  file: string;
  dryRun: boolean;
  rows: number;
  imported: number;
  alreadyThere: number;
  rejected: number;
  rejectedBy: Record<string, number>;
  /** Null where no row was rejected, and in a dry run without --rejects. */
  rejectsFile: string | null;
  customersCreated: number;
  methodsCreated: number;
  /** Of the imported ones, those that a billing run now would charge for. */
  dueNow: number;
}

export interface ImportEnvironment {
  app: App;
  asker: Asker;
  signal: AbortSignal;
  isSilent: boolean;
}

/** Does what the flags ask for. Throws for what is refused before anything is imported. */
export async function importFlow<Facts extends Common, Made extends ImportMade>(
  kind: ImportKind<Facts, Made>,
  path: string,
  flags: ImportFlags,
  { app, asker, signal, isSilent }: ImportEnvironment,
): Promise<{ document: ImportDocument; samples: ImportResult['samples'] }> {
  const dryRun = flags['dry-run'];
  const delimiter = delimiterOf(flags.delimiter);
  const bytes = await sizeOf(path);
  if (!dryRun) {
    await confirmOnLive(app, asker, async () => `Import ${kind.noun} from ${oneLine(path)} into the live book?`);
  }
  const { where } = app.book;
  const own = [where, `${where}-wal`, `${where}-shm`, app.bankPath, app.config.path];
  const bar = await startImportProgress(bytes, { isSilent });
  try {
    const result = await importFile(contextOf(app), kind, {
      path,
      delimiter,
      dryRun,
      rejects: flags.rejects ?? (dryRun ? null : `${path}.rejects.csv`),
      force: flags.force,
      forbidden: own.filter((each) => each !== null),
      signal,
      onProgress: (read, sum) => bar.update(read, sum),
    });
    return { document: toDocument(kind.noun, path, dryRun, result), samples: result.samples };
  } finally {
    bar.stop();
  }
}

/** 0 when every row is in the book (or would be), 1 when some were rejected. */
export function importExit({ rejected }: ImportDocument): ExitCode {
  return rejected > 0 ? EXIT.refused : EXIT.done;
}

export function importFields(document: ImportDocument): [string, Cell][] {
  const { dryRun, rejectsFile } = document;
  const would = dryRun ? 'Would import' : 'Imported';
  const some: [string, number][] = [
    ['New customers', document.customersCreated],
    ['New methods', document.methodsCreated],
    ['Due now', document.dueNow],
  ];
  return [
    [would, document.imported],
    ['Already there', document.alreadyThere],
    ['Rejected', document.rejected],
    ...(rejectsFile === null ? [] : [['Rejects', rejectsFile] as [string, Cell]]),
    ...some.filter(([, count]) => count > 0),
  ];
}

/** For a person, on stderr: which rows were rejected and what to do about it, and what is due by now. */
export function importNote(document: ImportDocument, samples: ImportResult['samples']): string {
  const { dryRun, rejected, rejectsFile, dueNow, kind } = document;
  const lines = samples.map(({ line, reason }) => `Line ${line}: ${oneLine(reason)}`);
  if (rejected > samples.length) lines.push(`and ${counted(rejected - samples.length, 'row')} more.`);
  if (rejectsFile !== null && !dryRun) {
    lines.push(`Repair ${oneLine(rejectsFile)} and import it: what is in the book already is passed over.`);
  }
  if (dryRun) lines.push('A dry run: nothing was written to the book.');
  if (dueNow > 0) {
    const one = counted(dueNow, kind.slice(0, -1));
    lines.push(
      `The next billing run charges for ${one} due by now. See what it would do: bursar billing run --dry-run`,
    );
  }
  return lines.map((line) => `${line}\n`).join('');
}

const MOST_CHECKED = 1000;

function contextOf(app: App): ImportContext {
  const { charges, customers } = app;
  // The tokens that were found good; test books have a few, each of them thousands of times.
  const checked = new Set<string>();
  return {
    charges,
    assertToken: async (gateway: string, token: string): Promise<void> => {
      const key = `${gateway}|${token}`;
      if (checked.has(key)) return;
      await customers.assertToken(gateway, token);
      if (checked.size < MOST_CHECKED) checked.add(key);
    },
    assertGateway: (name: string) => void app.assertGateway(name),
    defaultGateway: () => app.defaultGateway(),
    oldestDueMs: app.clock.nowMs() - CATCH_UP_WINDOW_MS,
  };
}

function delimiterOf(text: string): string {
  const known = Object.hasOwn(DELIMITERS, text) ? DELIMITERS[text] : undefined;
  if (known !== undefined) return known;
  if (text === '\t') return text;
  const near = nearest(text, ['tab']);
  throw new BursarError('invalid_value', '--delimiter takes one of , ; | and tab. Nothing was imported.', {
    ...(near === null ? {} : { hint: `Did you mean ${near}?` }),
  });
}

function toDocument(
  kind: 'charges' | 'schedules',
  file: string,
  dryRun: boolean,
  result: ImportResult,
): ImportDocument {
  const { rows, imported, alreadyThere, rejected, customers, methods, dueNow, rejectsFile, rejectedBy } = result;
  return {
    schema: 'bursar.import/1',
    kind,
    file,
    dryRun,
    rows,
    imported,
    alreadyThere,
    rejected,
    rejectedBy: Object.fromEntries(rejectedBy),
    rejectsFile,
    customersCreated: customers,
    methodsCreated: methods,
    dueNow,
  };
}
