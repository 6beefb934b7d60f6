// Why an operator does something: --reason, or asked for on a terminal.

import { faultOf, LONGEST_TEXT } from '../written-text.ts';
import { type Asker, askInput } from './prompts.ts';
import { checkText } from './text-input.ts';

/** BursarError `missing_value` off a terminal, `invalid_value` for text that is no reason. */
export async function reasonOf(asker: Asker, text: string | undefined): Promise<string> {
  if (text !== undefined) return checkText('--reason', text);
  const validate = (typed: string): true | string => {
    const fault = faultOf(typed, LONGEST_TEXT);
    return fault === null || `The reason ${fault}.`;
  };
  return askInput(asker, { flag: '--reason', message: 'Why?', validate });
}
