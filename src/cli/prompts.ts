// Questions on a terminal. Each says what it wants and what is assumed; none is ever answered by silence: off a
// terminal a missing value is an error, and the end of input or Ctrl-C is never a yes.
import { BursarError } from '../errors.ts';
import { refusePan } from '../money/pan.ts';
import { oneLine } from './text.ts';

export interface Asker {
  /** With --no-input or --json nothing is asked. */
  isSilent: boolean;
  /** With --yes. */
  assumesYes: boolean;
}

export interface Question {
  /** The flag or argument that gives the answer without asking: `--customer`. */
  flag: string;
  message: string;
}

export interface Choice {
  value: string;
  name?: string;
}

/** Asks for a line of text. `validate` gives true, or tells what is wrong as it is typed. */
export async function askInput(
  asker: Asker,
  question: Question & { validate?: (text: string) => true | string; suggested?: string },
): Promise<string> {
  assertAsking(asker, question);
  const { message, validate, suggested } = question;
  const isFilled = (text: string): true | string => (text.trim() === '' ? 'Something has to be given.' : true);
  const answer = await ask({
    type: 'input',
    message: oneLine(message),
    validate: validate ?? isFilled,
    ...(suggested === undefined ? {} : { default: suggested }),
  });
  // What is typed is held to what a flag is held to.
  refusePan(question.flag, String(answer));
  return String(answer).trim();
}

/** Asks for one of `choices`. */
export async function askChoice(asker: Asker, question: Question & { choices: readonly Choice[] }): Promise<string> {
  assertAsking(asker, question);
  const choices = question.choices.map(({ value, name }) => ({ value, name: oneLine(name ?? value) }));
  return String(await ask({ type: 'select', message: oneLine(question.message), choices }));
}

/**
 * Returns when the person said yes, or --yes was given. Refuses with `not_confirmed`, or off a terminal with
 * `confirmation_impossible`. `message` says what will be done: "Refund 12.50 USD to Ada?".
 */
export async function confirm(asker: Asker, message: string): Promise<void> {
  if (asker.assumesYes) return;
  if (!canAsk(asker)) {
    throw new BursarError(
      'confirmation_impossible',
      `This has to be confirmed: ${oneLine(message)} Nothing was done.`,
      {
        hint: 'Run it on a terminal, or with --yes.',
      },
    );
  }
  const answer = await ask({ type: 'confirm', message: oneLine(message), default: false });
  if (answer !== true) throw notConfirmed();
}

/** True when there is a person to ask: both ends of the conversation are terminals, and asking was not forbidden. */
export function canAsk(asker: Asker): boolean {
  return !asker.isSilent && Boolean(process.stdin.isTTY) && Boolean(process.stderr.isTTY);
}

function assertAsking(asker: Asker, { flag }: Question): void {
  if (canAsk(asker)) return;
  throw new BursarError('missing_value', `${flag} is missing. Nothing was done.`, { hint: `Give ${flag}.` });
}

function notConfirmed(): BursarError {
  return new BursarError('not_confirmed', 'Not confirmed. Nothing was done.');
}

interface InquirerQuestion {
  type: 'input' | 'select' | 'confirm';
  message: string;
  default?: string | boolean;
  choices?: Choice[];
  validate?: (text: string) => true | string;
}

// Prompts go to stderr, since stdout is the result's. inquirer waits forever when its input ends (Ctrl-D, a closed
// terminal): readline then pauses stdin, which is the one thing that can be seen from here.
async function ask(question: InquirerQuestion): Promise<unknown> {
  const { default: inquirer } = await import('inquirer');
  const ended = new AbortController();
  const onEnd = (): void => void setImmediate(() => ended.abort());
  for (const event of ['pause', 'end', 'close']) process.stdin.once(event, onEnd);
  try {
    const prompt = inquirer.createPromptModule({ output: process.stderr, signal: ended.signal });
    const answers: { answer?: unknown } = await prompt([{ ...question, name: 'answer' } as never]);
    return answers.answer;
  } catch (error) {
    const name = error instanceof Error ? error.name : '';
    if (name === 'AbortPromptError') throw notConfirmed();
    if (name === 'ExitPromptError') throw new BursarError('interrupted', 'Interrupted. Nothing was done.');
    throw error;
  } finally {
    for (const event of ['pause', 'end', 'close']) process.stdin.off(event, onEnd);
  }
}
