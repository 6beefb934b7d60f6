// The start of every bursar process: loads oclif, runs the command, and prints what escapes it in one plain shape.
import { type Interfaces, run, settings } from '@oclif/core';
import packageJson from '../package.json' with { type: 'json' };
import { hasFlag, normalizeArguments } from './cli/argv.ts';
import { printReport, toReport } from './cli/error-report.ts';
import { resultUnprinted } from './cli/terminal.ts';

/** Where commands, the hook and the help class stand below the root: in the built package, unless told otherwise. */
export interface Layout {
  commands: string;
  notFound: string;
  help: string;
}

const BUILT: Layout = {
  commands: './dist/commands',
  notFound: './dist/command-not-found.js',
  help: './dist/help.js',
};

/** Runs one command line to its end. `root` holds `oclif.manifest.json`. Sets `process.exitCode`; never throws. */
export async function main(argv: readonly string[], root: string, layout: Layout = BUILT): Promise<void> {
  let stdoutError: unknown;
  process.stdout.prependListener('error', (error) => {
    stdoutError = error;
  });
  process.stdout.on('error', ignoreClosedReader);
  process.stderr.on('error', ignoreClosedReader);
  const how = { json: hasFlag(argv, '--json'), debug: hasFlag(argv, '--debug') };
  const fail = (error: unknown): void => {
    const report = toReport(error);
    if (report === null) return;
    printReport(report, error, how);
    process.exitCode = report.exitCode;
  };
  process.on('uncaughtException', (error) => {
    // oclif throws what stdout reports; a result that can't be printed must not look like a refusal.
    fail(error === stdoutError ? resultUnprinted(error) : error);
    process.exit();
  });
  // Built code is what runs, whatever NODE_ENV says; oclif would otherwise look for TypeScript sources.
  settings.enableAutoTranspile = false;
  try {
    await run(normalizeArguments(argv), loadOptions(root, layout));
  } catch (error) {
    fail(error);
  }
}

function loadOptions(root: string, { commands, notFound, help }: Layout): Interfaces.Options {
  const oclif: Interfaces.OclifConfiguration = {
    ...packageJson.oclif,
    topicSeparator: ' ',
    commands,
    hooks: { command_not_found: notFound },
    helpClass: help,
  };
  return { root, pjson: { ...packageJson, oclif }, devPlugins: false, userPlugins: false };
}

// `bursar charges list | head` closes our stdout when it has seen enough: no error, and what runs is let finish.
function ignoreClosedReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
