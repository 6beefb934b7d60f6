// The rules that decide whether a failed charge is tried again, in plain words: what a rule is called stands on the charge
// and in the audit log; what it says, and who can end it, stands here, once, for the policy that applies it and for
// whoever explains it later.
import type { DeclineClass } from '../gateways/declines.ts';

/** Who can end it: by another payment method or a confirmation, by a replay or a repaired configuration. */
export type FixableBy = 'customer' | 'operator';

/** What a rule's words are about. */
export interface RuleFacts {
  /** What failed, in a word: a decline code, or the class where nothing was declined. */
  said: string;
  declineClass: DeclineClass;
  policyName: string;
  /** Soft declines, and transport failures in a row, this one included. */
  softDeclines: number;
  transportFailures: number;
  /** The policy's age limit; null where the policy is not known any more. */
  maxAgeMs: number | null;
}

export interface RuleWords {
  reason: string;
  /** Null where the rule itself goes on. */
  fixableBy: FixableBy | null;
}

const DAY_MS = 86_400_000;

/** Rules without a number of their own, by their names. */
const RULES: Readonly<Record<string, (facts: RuleFacts) => RuleWords>> = {
  // Chosen by a policy.
  none: ({ said, declineClass }) => ({
    reason: `${said}: policy none never tries again by itself.`,
    fixableBy: fixerOf(declineClass),
  }),
  hard: ({ said }) => ({ reason: `${said} is never tried again.`, fixableBy: 'customer' }),
  update_method: ({ said }) => ({
    reason: `${said}: tried again when the customer's payment method changes.`,
    fixableBy: 'customer',
  }),
  authentication: ({ said }) => ({
    reason: `${said}: the customer has to confirm the payment, or to pay by another method.`,
    fixableBy: 'customer',
  }),
  ours: () => ({
    reason: 'Our own configuration or request was refused; this does not count as an attempt.',
    fixableBy: 'operator',
  }),
  max_attempts: ({ said, declineClass, policyName, softDeclines, transportFailures }) => ({
    reason:
      declineClass === 'transport'
        ? `The gateway could not be reached ${transportFailures} times in a row.`
        : `${said}: soft decline ${softDeclines}, after which ${policyName} does not try again.`,
    fixableBy: 'operator',
  }),
  max_age: ({ maxAgeMs }) => ({
    reason:
      maxAgeMs === null
        ? 'The next retry would be later than the policy allowed.'
        : `The next retry would be more than ${Math.floor(maxAgeMs / DAY_MS)} days after the first attempt.`,
    fixableBy: 'operator',
  }),
  // Chosen where charges are opened, settled, cancelled and replayed.
  operator: () => ({
    reason: 'An operator said that it was not paid; what a person has decided is not tried again by itself.',
    fixableBy: 'operator',
  }),
  policy_missing: ({ policyName }) => ({
    reason: `The configuration has no policy ${policyName} any more, so nothing says when to try again.`,
    fixableBy: 'operator',
  }),
  not_sent: () => ({ reason: 'It was stopped before it was sent, so it is due again at once.', fixableBy: null }),
  method_blocked: ({ said }) => ({
    reason: `The payment method was blocked by a hard decline (${said}); it is never charged again.`,
    fixableBy: 'customer',
  }),
  method_removed: () => ({
    reason: 'The payment method was removed, so there is nothing to charge.',
    fixableBy: 'customer',
  }),
  method_replaced: () => ({ reason: 'Another payment method took the place of the failed one.', fixableBy: null }),
  replayed: () => ({ reason: 'An operator gave it another life; the policy counts from there.', fixableBy: null }),
  cancelled: () => ({ reason: 'It was cancelled.', fixableBy: null }),
  cancel_if_unpaid: () => ({
    reason: 'It was to be cancelled, not retried, should it turn out unpaid.',
    fixableBy: null,
  }),
};

/** `standard/soft#2`, `retry-after#1`, `transport-backoff#3`. */
const NUMBERED: readonly [RegExp, (facts: RuleFacts) => string][] = [
  [/\/soft#\d+$/, ({ said }) => `${said} may pass later.`],
  [/^retry-after#\d+$/, () => 'Not executed; the gateway said when to come back.'],
  [/^transport-backoff#\d+$/, () => 'Not executed; the gateway was not reached.'],
];

/** Null for a rule that this program does not know. */
export function ruleWords(rule: string, facts: RuleFacts): RuleWords | null {
  if (Object.hasOwn(RULES, rule)) return RULES[rule]?.(facts) ?? null;
  const numbered = NUMBERED.find(([pattern]) => pattern.test(rule));
  return numbered === undefined ? null : { reason: numbered[1](facts), fixableBy: null };
}

function fixerOf(declineClass: DeclineClass): FixableBy {
  return declineClass === 'soft' || declineClass === 'ours' || declineClass === 'transport' ? 'operator' : 'customer';
}
