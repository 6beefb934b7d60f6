// The exit status of commands that move money, for every status and outcome there is.
import { expect, test } from 'vitest';
import { ATTEMPT_OUTCOMES, type Attempt } from '../../../src/charges/attempt.ts';
import { CHARGE_STATUSES } from '../../../src/charges/charge.ts';
import { exitOfAttempt, exitOfCharge } from '../../../src/cli/charge-exit.ts';

test('by the charge', () => {
  const exits = CHARGE_STATUSES.map((status) => [
    status,
    exitOfCharge({ status, declineClass: 'soft' }),
    exitOfCharge({ status, declineClass: 'transport' }),
    exitOfCharge({ status, declineClass: 'ours' }),
  ]);
  expect(exits).toEqual([
    ['pending', 4, 7, 7],
    ['processing', 4, 4, 4],
    ['authorized', 0, 0, 0],
    ['captured', 0, 0, 0],
    ['settling', 4, 4, 4],
    ['requires_action', 4, 4, 4],
    ['failed', 3, 7, 7],
    ['exhausted', 3, 7, 7],
    ['unknown', 4, 4, 4],
    ['voided', 3, 3, 3],
    ['expired', 3, 3, 3],
    ['cancelled', 3, 3, 3],
  ]);
});

test('by the attempt', () => {
  const attempt = (outcome: Attempt['outcome'], declineClass: Attempt['declineClass'] = null): Attempt =>
    ({ outcome, declineClass }) as Attempt;
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
