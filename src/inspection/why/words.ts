// An outcome in plain words, with the provider's own beside it.
import type { Attempt } from '../../charges/attempt.ts';
import { isOwnStop } from '../../charges/send.ts';
import { money } from '../money-text.ts';

/** What an audit row and its attempt know of an outcome. */
export interface Said {
  attempt: Attempt;
  outcome: string;
  by: string;
  cause: string | null;
  reference: string | null;
  declineCode: string | null;
  providerCode: string | null;
  message: string | null;
}

/** One sentence: who said what about the attempt. */
export function saidOf(said: Said): string {
  const { attempt, outcome, by, cause, reference, declineCode, providerCode, message } = said;
  const { gateway } = attempt;
  const words = [providerCode === null ? '' : `code ${providerCode}`, message ?? ''].filter((word) => word !== '');
  const quoted = words.length === 0 ? '' : ` (${words.join(': ')})`;
  const name = nameOf(attempt);
  if (by === 'operator')
    return `An operator said of ${lower(name)}: ${outcome === 'rejected' ? 'not executed' : outcome}.`;
  const told = by === 'lookup' ? `${gateway}, asked about ${lower(name)}, says` : `${gateway} said of ${lower(name)}`;
  switch (outcome) {
    case 'approved':
      return `${told}: approved${reference === null ? '' : `, reference ${reference}`}.`;
    case 'duplicate':
      return `${told}: approved, although the charge had its money already. It is a duplicate, to be given back.`;
    case 'declined':
      return `${told}: declined, ${declineCode ?? 'no reason'}${quoted}.`;
    case 'rejected':
      if (by === 'cancel')
        return `${name} was closed at ${gateway}: nothing was executed, and nothing can be any more.`;
      if (isOwnStop(declineCode)) return `${name} was stopped before it was sent (${declineCode}).`;
      return `${name} was not executed by ${gateway}, which is proved${quoted}.`;
    case 'settling':
      return `${told}: settling, a debit under way${reference === null ? '' : `, reference ${reference}`}.`;
    case 'requires_action':
      return `${told}: the customer has to confirm the payment.`;
    default:
      if (cause === 'owner_gone') {
        return `The process that sent ${lower(name)} was gone, with no answer recorded: its outcome is unknown.`;
      }
      return `No answer of ${gateway} proves what became of ${lower(name)}${cause === null ? '' : ` (${cause})`}: its outcome is unknown${quoted}.`;
  }
}

/** `Attempt 2 (sale of 12.50 USD)`. */
export function nameOf({ number, operation, amountMinor, currency }: Attempt): string {
  return `Attempt ${number} (${operation} of ${money(amountMinor, currency)})`;
}

const lower = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);

/** `01kb…9x2f`: enough to find it in a provider's log. */
export function shortKey(key: string): string {
  return key.length <= 12 ? key : `${key.slice(0, 4)}…${key.slice(-4)}`;
}
