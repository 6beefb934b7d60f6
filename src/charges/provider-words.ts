// What the provider said about an attempt, as the attempt keeps it.
import { type DeclineClass, declineClass } from '../gateways/declines.ts';
import type { Outcome } from '../gateways/gateway.ts';
import { maskPans } from '../money/pan.ts';
import type { Attempt, AttemptOutcome } from './attempt.ts';

/** What the provider said, as the attempt keeps it; card numbers in its text are masked. */
export function described(outcome: Outcome, before: Attempt, became: AttemptOutcome) {
  const providerMessage =
    'providerMessage' in outcome && outcome.providerMessage !== null
      ? maskPans(outcome.providerMessage).slice(0, 500)
      : before.providerMessage;
  const reference = 'reference' in outcome ? (outcome.reference ?? before.reference) : before.reference;
  const providerCode = 'providerCode' in outcome ? (outcome.providerCode ?? before.providerCode) : before.providerCode;
  // A rejected resend says nothing about the attempt as a whole.
  const decline = became === outcome.kind ? declineOf(outcome) : NO_DECLINE;
  return { reference, providerCode, providerMessage, ...decline };
}

const NO_DECLINE = { declineCode: null, declineClass: null };

function declineOf(outcome: Outcome): { declineCode: string | null; declineClass: DeclineClass | null } {
  switch (outcome.kind) {
    case 'declined':
      return { declineCode: outcome.decline, declineClass: declineClass(outcome.decline) };
    case 'rejected':
      return { declineCode: outcome.providerCode ?? outcome.reason, declineClass: outcome.reason };
    default:
      return NO_DECLINE;
  }
}
