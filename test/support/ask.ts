// Asks for a confirmation and tells what came of it: the other end of prompts-on-terminal.test.ts.
import { confirm } from '../../src/cli/prompts.ts';
import { BursarError } from '../../src/errors.ts';

try {
  await confirm({ isSilent: false, assumesYes: false }, 'Refund 12.50 USD?');
  console.log('answer=yes');
} catch (error) {
  if (!(error instanceof BursarError)) throw error;
  console.log(`answer=${error.code}`);
}
