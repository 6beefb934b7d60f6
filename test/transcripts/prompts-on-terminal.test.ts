// Prompts on a real terminal: only a typed yes is a yes.
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { cliEnvironment } from '../support/cli.ts';
import { KEYS, runOnTerminal } from '../support/pty.ts';

const program = fileURLToPath(new URL('../support/ask.ts', import.meta.url));

test.each([
  ['y', `y${KEYS.enter}`, 'yes'],
  ['n', `n${KEYS.enter}`, 'not_confirmed'],
  ['just Enter', KEYS.enter, 'not_confirmed'],
  ['end of input (Ctrl-D)', KEYS.endOfInput, 'not_confirmed'],
  ['Ctrl-C', KEYS.interrupt, 'interrupted'],
])('%s', async (_, keys, answer) => {
  const { screen } = await runOnTerminal(process.execPath, ['--import', 'tsx', program], {
    env: cliEnvironment('/tmp'),
    answers: [['Refund 12.50 USD?', keys]],
  });
  expect(screen.match(/answer=(\w+)/)?.[1]).toBe(answer);
});
