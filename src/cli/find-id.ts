// From what a person typed to a whole id: the id itself, or any unique ending of it. A script that moves money has to
// name the whole id, since an ending that is unique today may be someone else's tomorrow.
import type { App } from '../app.ts';
import { BursarError } from '../errors.ts';
import { ID_LENGTH, ID_PREFIXES, type IdKind, isId } from '../ids.ts';
import type { FindableKind } from '../storage/ids-store.ts';
import { oneLine } from './text.ts';

const SHORTEST_ENDING = 4;
const CANDIDATES_SHOWN = 5;

/** What an id of each kind is called, and the command that lists them. */
const KINDS: Record<FindableKind, { noun: string; list: string }> = {
  customer: { noun: 'customer', list: 'bursar customers list' },
  method: { noun: 'payment method', list: 'bursar methods list' },
  charge: { noun: 'charge', list: 'bursar charges list' },
  attempt: { noun: 'attempt', list: 'bursar attempts list' },
  refund: { noun: 'refund', list: 'bursar refunds list' },
  schedule: { noun: 'schedule', list: 'bursar schedules list' },
  run: { noun: 'run', list: 'bursar billing list' },
  entry: { noun: 'journal entry', list: 'bursar ledger entries' },
};

/**
 * The whole id of `kind` that `text` names. `money`: whether the command moves money, which off a terminal takes no
 * endings. BursarError `invalid_id` (no id at all), `not_found`, or `ambiguous_id` with the candidates.
 */
export async function findId(app: App, kind: FindableKind, text: string, options: { money: boolean }): Promise<string> {
  const { idExists, idsEndingIn } = await import('../storage/ids-store.ts');
  const { reader } = app.book;
  const typed = text.trim().toLowerCase();
  if (isId(kind, typed)) {
    if (await idExists(reader, kind, typed)) return typed;
    throw notFound(kind, `There is no ${KINDS[kind].noun} ${typed}.`);
  }
  const ending = endingOf(kind, text, typed);
  if (options.money && !isOnTerminal()) {
    throw new BursarError(
      'invalid_id',
      `"${oneLine(text)}" is not the whole id of ${article(KINDS[kind].noun)}. Nothing was done.`,
      {
        hint: `Off a terminal, a command that moves money takes whole ids only: "${ID_PREFIXES[kind]}_" and ${ID_LENGTH} letters and digits.`,
      },
    );
  }
  const [first, ...others] = await idsEndingIn(reader, kind, ending, CANDIDATES_SHOWN + 1);
  if (first === undefined) throw notFound(kind, `There is no ${KINDS[kind].noun} whose id ends in "${ending}".`);
  if (others.length > 0) throw ambiguous(kind, ending, [first, ...others]);
  return first;
}

/** Refuses what can't be the end of an id: another kind of id, other letters, too short. */
function endingOf(kind: FindableKind, text: string, typed: string): string {
  const { noun } = KINDS[kind];
  const prefix = ID_PREFIXES[kind];
  const other = (Object.keys(ID_PREFIXES) as IdKind[]).find((each) => each !== kind && isId(each, typed));
  if (other !== undefined) {
    throw invalid(
      `${typed} is the id of ${article(nounOf(other))}, not of ${article(noun)}`,
      `The id of ${article(noun)} begins with "${prefix}_".`,
    );
  }
  // The ellipsis is how a table on a narrow screen shortens an id, so it comes along when copied.
  const ending = typed.replace(/^[a-z]{2,3}_(?=…|\.\.\.)/, '').replace(/^(…|\.\.\.)/, '');
  if (new RegExp(`^[0-9a-hjkmnp-tv-z]{${SHORTEST_ENDING},${ID_LENGTH - 1}}$`).test(ending)) return ending;
  throw invalid(
    `"${oneLine(text)}" is not the id of ${article(noun)}`,
    `It is "${prefix}_" and ${ID_LENGTH} letters and digits; the last ${SHORTEST_ENDING} or more are enough on a terminal.`,
  );
}

// The same two ends of a conversation that prompts.ts asks for: where no question can be put, no ending is guessed.
function isOnTerminal(): boolean {
  return Boolean(process.stdin.isTTY) && Boolean(process.stderr.isTTY);
}

function nounOf(kind: IdKind): string {
  return kind in KINDS ? KINDS[kind as FindableKind].noun : kind;
}

function article(noun: string): string {
  return `${/^[aeo]/.test(noun) ? 'an' : 'a'} ${noun}`;
}

function invalid(what: string, hint: string): BursarError {
  return new BursarError('invalid_id', `${what}. Nothing was done.`, { hint });
}

function notFound(kind: FindableKind, what: string): BursarError {
  return new BursarError('not_found', `${what} Nothing was done.`, { hint: `See what there is: ${KINDS[kind].list}` });
}

function ambiguous(kind: FindableKind, ending: string, ids: readonly string[]): BursarError {
  const shown = ids.slice(0, CANDIDATES_SHOWN).join(', ');
  const more = ids.length > CANDIDATES_SHOWN ? ', …' : '';
  return new BursarError(
    'ambiguous_id',
    `More than one ${KINDS[kind].noun} id ends in "${ending}": ${shown}${more}. Nothing was done.`,
    { hint: 'Type more of its ending.' },
  );
}
