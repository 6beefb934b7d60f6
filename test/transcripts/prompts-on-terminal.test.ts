// Prompts on a real terminal (made by expect): only a typed yes is a yes.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runProcess } from '../support/cli.ts';

const hasExpect = spawnSync('expect', ['-v']).status === 0;
const program = fileURLToPath(new URL('../support/ask.ts', import.meta.url));

test.skipIf(!hasExpect).each([
  ['y', 'y\\r', 'yes'],
  ['n', 'n\\r', 'not_confirmed'],
  ['just Enter', '\\r', 'not_confirmed'],
  ['end of input (Ctrl-D)', '\\004', 'not_confirmed'],
  ['Ctrl-C', '\\003', 'interrupted'],
])('%s', async (_, keys, answer) => {
  const script = `
    set timeout 20
    spawn -noecho ${process.execPath} --import tsx ${program}
    expect -re {Refund 12.50 USD\\?}
    sleep 0.3
    send -- "${keys}"
    expect -re {answer=(\\w+)} { puts "\\nGOT $expect_out(1,string)" } timeout { puts "\\nGOT nothing" } eof { puts "\\nGOT eof" }`;
  const { stdout } = await runProcess('expect', ['-c', script], {
    env: { ...process.env, TERM: 'xterm' } as Record<string, string>,
  });
  expect(stdout.match(/^GOT (\w+)/m)?.[1]).toBe(answer);
});
