// `--reason` where one has to be given: an override that nobody can explain later is worth nothing in an audit log.
import { type Asker, askInput } from './prompts.ts';
import { checkText, faultOf, LONGEST_TEXT } from './text-input.ts';

/** The reason; asked for on a terminal. BursarError `missing_value`, or `invalid_value` for what is no line of text. */
export async function askReason(asker: Asker, text: string | undefined): Promise<string> {
  const validate = (typed: string): true | string => {
    const fault = faultOf(typed, LONGEST_TEXT);
    return fault === null ? true : `It ${fault}.`;
  };
  const reason = text ?? (await askInput(asker, { flag: '--reason', message: 'Why, for the audit log?', validate }));
  return checkText('--reason', reason);
}
