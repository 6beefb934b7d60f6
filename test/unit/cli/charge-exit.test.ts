// The exit status of commands that move money, for every status and outcome there is.
import { expect, test } from 'vitest';
import { ATTEMPT_OUTCOMES, type Attempt } from '../../../src/charges/attempt.ts';
import { CHARGE_STATUSES } from '../../../src/charges/charge.ts';
import { exitOfAttempt, exitOfCharge, stoppedNote } from '../../../src/cli/charge-exit.ts';

const DECLINED = { declineCode: 'insufficient_funds', declineClass: 'soft' } as const;

test('by the charge', () => {
  const exits = CHARGE_STATUSES.map((status) => [
    status,
    exitOfCharge({ status, ...DECLINED }),
    exitOfCharge({ status, declineCode: 'ECONNREFUSED', declineClass: 'transport' }),
    exitOfCharge({ status, declineCode: 'http_401', declineClass: 'ours' }),
    exitOfCharge({ status, declineCode: 'paused', declineClass: 'ours' }),
  ]);
  expect(exits).toEqual([
    ['pending', 4, 7, 7, 8],
    ['processing', 4, 4, 4, 4],
    ['authorized', 0, 0, 0, 0],
    ['captured', 0, 0, 0, 0],
    ['settling', 4, 4, 4, 4],
    ['requires_action', 4, 4, 4, 4],
    ['failed', 3, 7, 7, 8],
    ['exhausted', 3, 7, 7, 8],
    ['unknown', 4, 4, 4, 4],
    ['voided', 3, 3, 3, 3],
    ['expired', 3, 3, 3, 3],
    ['cancelled', 3, 3, 3, 3],
  ]);
});

test('by the attempt', () => {
  const attempt = (outcome: Attempt['outcome'], declineClass: Attempt['declineClass'] = null): Attempt =>
    ({ outcome, declineCode: null, declineClass }) as Attempt;
  expect([null, ...ATTEMPT_OUTCOMES].map((outcome) => [outcome, exitOfAttempt(attempt(outcome))])).toEqual([
    [null, 4],
    ['approved', 0],
    ['declined', 3],
    ['rejected', 3],
    ['requires_action', 4],
    ['settling', 4],
    ['unknown', 4],
    ['duplicate', 3],
  ]);
  expect([exitOfAttempt(attempt('rejected', 'ours')), exitOfAttempt(attempt('rejected', 'transport'))]).toEqual([7, 7]);
});

test.each([
  ['paused', 8],
  ['quarantined', 8],
  ['clock', 8],
  ['state_unwritable', 7],
] as const)('stopped right before the socket by %s: what was not done is said', (declineCode, exit) => {
  const stopped = { declineCode, declineClass: 'ours' } as const;
  expect(exitOfCharge({ status: 'exhausted', ...stopped })).toBe(exit);
  expect(exitOfAttempt({ outcome: 'rejected', ...stopped } as Attempt)).toBe(exit);
  expect(stoppedNote(stopped, 'again')).toMatch(
    /^Nothing was sent, no money was moved: .+ When that is over: again\n$/,
  );
});

test('a provider that uses one of our words was reached', () => {
  expect(exitOfCharge({ status: 'exhausted', declineCode: 'paused', declineClass: 'soft' })).toBe(3);
  expect(stoppedNote({ declineCode: 'http_401', declineClass: 'ours' }, 'again')).toBe('');
});
