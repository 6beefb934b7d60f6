// Turns whatever was thrown into the one shape that errors have: a line and a hint on stderr, or with --json
// `{"error": {code, message, hint, exitCode}}` on stdout. oclif's parser errors carry its internals; none pass here.
import { Errors } from '@oclif/core';
import { BursarError, type ErrorCode, EXIT } from '../errors.ts';
import { maskPans } from '../money/pan.ts';
import { clipped } from '../written-text.ts';
import { nearest } from './suggest.ts';
import { oneLine, printable, toJson } from './text.ts';

export interface ErrorReport {
  code: ErrorCode | 'internal';
  message: string;
  hint: string | null;
  exitCode: number;
}

/** What a flag's parser threw, kept as thrown: oclif rewrites the message of whatever passes through its parser. */
export class FlagRefused extends Error {
  constructor(
    readonly flag: string,
    override readonly cause: unknown,
  ) {
    super(`--${flag} was refused`);
  }
}

export interface ReportContext {
  /** The command's words, for the hint that names its help; null outside of a command. */
  command: string | null;
  /** Every flag that the command knows, without dashes. */
  flags: readonly string[];
}

const NO_CONTEXT: ReportContext = { command: null, flags: [] };

/** The report of any thrown value; null for oclif's own wish to exit without an error. */
export function toReport(error: unknown, context: ReportContext = NO_CONTEXT): ErrorReport | null {
  if (error instanceof FlagRefused) {
    const { cause, flag } = error;
    if (cause instanceof BursarError) return toReport(cause, context);
    if (cause instanceof Errors.CLIError) return usage(`--${flag}: ${clean(cause.message)}`, context);
    return toReport(cause, context);
  }
  if (error instanceof BursarError) {
    const { code, hint, exitCode } = error;
    return { code, message: printable(error.message), hint: hint === null ? null : printable(hint), exitCode };
  }
  if (error instanceof Errors.ExitError) return null;
  if (error instanceof Errors.CLIError) return fromParser(error, context);
  const message = oneLine(error instanceof Error ? error.message : String(error)) || 'an error without a message';
  const hint = 'This is a fault in bursar. Run the same command with --debug to see where it happened.';
  return { code: 'internal', message, hint, exitCode: EXIT.refused };
}

/** Prints a report where it belongs, without card numbers; the trace only with `debug`, on stderr. */
export function printReport(report: ErrorReport, error: unknown, how: { json: boolean; debug: boolean }): void {
  const message = clipped(maskPans(report.message));
  const hint = report.hint === null ? null : clipped(maskPans(report.hint));
  const start = report.code === 'internal' ? 'bursar: internal error' : 'Error';
  // Where stdout takes nothing, not even the error, stderr has it.
  if (how.json && report.code !== 'result_unprinted') {
    process.stdout.write(`${toJson({ error: { ...report, message, hint } })}\n`);
  } else process.stderr.write(`${start}: ${message}\n${hint === null ? '' : `${hint}\n`}`);
  if (how.debug) process.stderr.write(`${maskPans(printable(trace(error)))}\n`);
}

function trace(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? error.message;
  return error.cause === undefined ? own : `${own}\ncaused by: ${trace(error.cause)}`;
}

// The classes of oclif's parser errors are not exported; what they carry tells them apart.
function fromParser(error: object & { message: string }, context: ReportContext): ErrorReport {
  const flags = 'flags' in error && Array.isArray(error.flags) ? error.flags.map(String) : null;
  if (flags !== null) return unknownFlags(flags, context);
  const args: unknown[] | null = 'args' in error && Array.isArray(error.args) ? error.args : null;
  if (args !== null) {
    const names = args.map((arg) => (isNamed(arg) ? arg.name.toUpperCase() : `"${oneLine(String(arg))}"`));
    const isMissing = args.some(isNamed);
    return usage(
      `${isMissing ? 'Missing' : 'Unexpected'} argument${names.length === 1 ? '' : 's'}: ${names.join(', ')}`,
      context,
    );
  }
  return usage(clean(error.message), context);
}

function unknownFlags(flags: string[], context: ReportContext): ErrorReport {
  const typed = flags.map((flag) => flag.split('=', 1)[0] ?? flag);
  const report = usage(`Unknown flag${typed.length === 1 ? '' : 's'}: ${typed.map(oneLine).join(', ')}`, context);
  const first = typed.find((flag) => flag.startsWith('--'));
  const guess = first === undefined ? null : nearest(first.slice(2), context.flags);
  return guess === null ? report : { ...report, hint: `Did you mean --${guess}?` };
}

function usage(message: string, context: ReportContext): ErrorReport {
  const sentence = /[.?!]$/.test(message) ? message : `${message}.`;
  const help = context.command === null ? 'bursar --help' : `bursar ${context.command} --help`;
  return { code: 'usage', message: `${sentence} Nothing was done.`, hint: `See ${help}`, exitCode: EXIT.usage };
}

function clean(message: string): string {
  const told = printable(message)
    .replace(/\n?See more help with --help/g, '')
    .replace(/^The following errors? occurred:\s*/, '')
    .replace(/^Missing required flag (?=\w)/gm, 'Missing required flag --');
  return told
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('; ');
}

function isNamed(arg: unknown): arg is { name: string } {
  return typeof arg === 'object' && arg !== null && 'name' in arg && typeof arg.name === 'string';
}
