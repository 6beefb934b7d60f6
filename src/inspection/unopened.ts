// The report about a book that can't be opened, or a configuration that can't be read: one finding, with what to run.
import type { Finding } from '../audit/finding.ts';
import type { BursarError, ErrorCode } from '../errors.ts';
import { maskPans } from '../money/pan.ts';
import { clipped } from '../written-text.ts';
import { shellWord } from './shell-word.ts';

/** Faults that are an answer to the question how a book does; anything else is a fault of how it was asked. */
const ANSWERS: readonly ErrorCode[] = [
  'corrupt_book',
  'corrupt_file',
  'integrity',
  'book_locked',
  'lease_held',
  'book_missing',
  'book_newer',
  'book_older',
  'book_unreachable',
  'book_full',
  'state_unwritable',
  'commit_unknown',
  'invalid_config',
  'literal_secret',
  'unknown_gateway',
  'gateway_refused',
];

export const isAnswer = ({ code }: BursarError): boolean => ANSWERS.includes(code);

/** `where`: the book's file, as far as it is known. */
export function faultFinding(error: BursarError, where: string | null): Finding {
  const { code, message } = error;
  return {
    code,
    severity: 'error',
    subject: where === null ? null : clipped(maskPans(where)),
    message: clipped(maskPans(adviceOf(error) === null ? message : `${message} ${adviceOf(error)}`)),
    command: clipped(maskPans(commandFor(error, where))),
  };
}

/** What the hint says besides the command. */
function adviceOf({ code, hint }: BursarError): string | null {
  if (code === 'book_older') return 'Back the file up first.';
  return commandIn(hint) === null ? hint : null;
}

/** Hints name the command last, behind a colon, or are nothing but one. */
function commandIn(hint: string | null): string | null {
  return /(?:^|: )(bursar [^…]+)$/.exec(hint ?? '')?.[1] ?? null;
}

function commandFor({ code, hint }: BursarError, where: string | null): string {
  const named = commandIn(hint);
  if (named !== null) return named;
  const book = where === null ? null : shellWord(where);
  switch (code) {
    case 'book_newer':
      return 'bursar --version';
    case 'book_locked':
    case 'lease_held':
      return book === null ? 'bursar doctor' : `bursar doctor --book ${book}`;
    case 'corrupt_book':
    case 'corrupt_file':
    case 'integrity':
    case 'book_unreachable':
      return book === null ? 'bursar config show' : `ls -l ${book}`;
    default:
      return 'bursar config check';
  }
}
