// What each token of the simulated bank makes it do. A token stands for a payment method: a decline belongs to the sale
// or authorize, a fault that breaks the answer belongs to every operation on the payment made with it.
import { createHash } from 'node:crypto';
import { BursarError } from '../../errors.ts';
import { DECLINES, type DeclineCode } from '../declines.ts';

/** What a sale or authorize with a token comes to. `unreached`: the request is lost on its way, nothing is executed. */
export type Decision =
  | { kind: 'approve' }
  | { kind: 'decline'; decline: DeclineCode }
  | { kind: 'requires_action' }
  | { kind: 'settle' }
  | { kind: 'flaky'; rate: number }
  | { kind: 'unreached' }
  | { kind: 'unauthorized' };

/** How the answer to an operation breaks after the operation was executed. */
export type AnswerFault = 'none' | 'hang' | 'reset' | 'garbage' | 'server_error' | 'wrong_amount';

export interface TokenBehaviour {
  decision: Decision;
  fault: AnswerFault;
  delayMs: number;
  /** Its refunds are approved at first, and fail after the bank's settling time. */
  failsRefundsLate: boolean;
}

const PLAIN: TokenBehaviour = {
  decision: { kind: 'approve' },
  fault: 'none',
  delayMs: 0,
  failsRefundsLate: false,
};
const LONGEST_DELAY_MS = 600_000;

const FIXED_TOKENS = new Map<string, TokenBehaviour>([
  ['tok_approved', PLAIN],
  ['tok_requires_action', { ...PLAIN, decision: { kind: 'requires_action' } }],
  ['tok_settling', { ...PLAIN, decision: { kind: 'settle' } }],
  ['tok_timeout_before', { ...PLAIN, decision: { kind: 'unreached' } }],
  ['tok_timeout_after_charging', { ...PLAIN, fault: 'hang' }],
  ['tok_reset', { ...PLAIN, fault: 'reset' }],
  ['tok_garbage', { ...PLAIN, fault: 'garbage' }],
  ['tok_500_after_charging', { ...PLAIN, fault: 'server_error' }],
  ['tok_refund_fails_late', { ...PLAIN, failsRefundsLate: true }],
  ['tok_wrong_amount', { ...PLAIN, fault: 'wrong_amount' }],
  ['tok_unauthorized', { ...PLAIN, decision: { kind: 'unauthorized' } }],
  ...declineTokens(),
]);

/** Every token, with the two that take a value written as patterns. */
export const SIMULATED_TOKENS: readonly string[] = [
  ...FIXED_TOKENS.keys(),
  'tok_flaky:<0 to 1>',
  'tok_slow:<2s, 300ms>',
];

/** What `token` does, or `null` for one that this bank did not give out. */
export function tokenBehaviour(token: string): TokenBehaviour | null {
  return FIXED_TOKENS.get(token) ?? flaky(token) ?? slow(token);
}

/** Refuses (`invalid_value`) a token that this bank did not give out: a typing error is told when the method is added. */
export function validateToken(token: string): void {
  if (tokenBehaviour(token) !== null) return;
  throw new BursarError('invalid_value', `The simulated bank has no token "${token}". No method was added.`, {
    hint: `Its tokens: ${SIMULATED_TOKENS.join(', ')}.`,
  });
}

/** Whether the flaky draw of a key declines: the same for the same seed and key, so that concurrency changes nothing. */
export function isFlakyDecline(seed: number, key: string, rate: number): boolean {
  const digest = createHash('sha256').update(`${seed}\0${key}`).digest();
  return digest.readUIntBE(0, 6) / 2 ** 48 < rate;
}

function flaky(token: string): TokenBehaviour | null {
  const rate = Number(/^tok_flaky:(\d(?:\.\d{1,9})?)$/.exec(token)?.[1] ?? Number.NaN);
  return rate <= 1 ? { ...PLAIN, decision: { kind: 'flaky', rate } } : null;
}

function slow(token: string): TokenBehaviour | null {
  const [, amount, unit] = /^tok_slow:(\d{1,6}(?:\.\d{1,3})?)(ms|s)$/.exec(token) ?? [];
  const delayMs = Number(amount ?? Number.NaN) * (unit === 's' ? 1000 : 1);
  return delayMs <= LONGEST_DELAY_MS ? { ...PLAIN, delayMs } : null;
}

function declineTokens(): [string, TokenBehaviour][] {
  const codes = Object.keys(DECLINES) as DeclineCode[];
  return codes.map((decline) => [`tok_${decline}`, { ...PLAIN, decision: { kind: 'decline', decline } }]);
}
