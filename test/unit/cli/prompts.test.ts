// Off a terminal nothing is asked: a missing value is an error that names its flag, and silence is never a yes.
import { expect, test } from 'vitest';
import { askChoice, askInput, confirm } from '../../../src/cli/prompts.ts';

const ASKER = { isSilent: false, assumesYes: false };

test('a missing value names its flag', async () => {
  const refusal = expect.objectContaining({
    code: 'missing_value',
    exitCode: 2,
    message: expect.stringContaining('--customer'),
  });
  await expect(askInput(ASKER, { flag: '--customer', message: 'Customer' })).rejects.toEqual(refusal);
  await expect(
    askChoice(ASKER, { flag: '--customer', message: 'Customer', choices: [{ value: 'a' }] }),
  ).rejects.toEqual(refusal);
});

test('a confirmation is impossible, and says what was to be confirmed', async () => {
  await expect(confirm(ASKER, 'Refund 12.50 USD?')).rejects.toMatchObject({
    code: 'confirmation_impossible',
    exitCode: 2,
    message: 'This has to be confirmed: Refund 12.50 USD? Nothing was done.',
  });
});

test('--yes confirms', async () => {
  await expect(confirm({ ...ASKER, assumesYes: true }, 'Refund?')).resolves.toBeUndefined();
});
