// `--metadata key=value`, given any number of times: an operator's own notes on a charge or schedule.
import { BursarError } from '../errors.ts';
import {
  faultOf,
  hasControl,
  LONGEST_METADATA_KEY,
  LONGEST_METADATA_VALUE,
  MOST_METADATA_KEYS,
  quotable,
} from '../written-text.ts';

/** The pairs as one object. BursarError(`invalid_value`) for what is no pair, a key given twice, and what is too much. */
export function parseMetadata(pairs: readonly string[] | undefined): Record<string, string> {
  const metadata = new Map<string, string>();
  for (const pair of pairs ?? []) {
    const at = pair.indexOf('=');
    if (at < 0) throw refusal(`takes key=value, and "${quotable(pair)}" has no "="`);
    const key = pair.slice(0, at).trim();
    const value = pair.slice(at + 1);
    const keyFault = faultOf(key, LONGEST_METADATA_KEY);
    if (keyFault !== null) throw refusal(`has a key that ${keyFault}`);
    if (hasControl(value)) throw refusal(`${quotable(key)} has control characters in its value`);
    if ([...value].length > LONGEST_METADATA_VALUE)
      throw refusal(`${quotable(key)} has a value of more than ${LONGEST_METADATA_VALUE} characters`);
    if (metadata.has(key)) throw refusal(`${quotable(key)} is given twice`);
    metadata.set(key, value);
  }
  if (metadata.size > MOST_METADATA_KEYS)
    throw refusal(`is given ${metadata.size} times, ${MOST_METADATA_KEYS} at most are taken`);
  // A key such as __proto__ is an ordinary key here.
  return Object.fromEntries(metadata);
}

function refusal(what: string): BursarError {
  return new BursarError('invalid_value', `--metadata ${what}. Nothing was done.`, {
    hint: 'Write it as --metadata order=1042, once for each key.',
  });
}
