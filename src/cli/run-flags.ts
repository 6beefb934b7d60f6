// The flags that `billing run` and `retries run` share.
import { Flags } from '@oclif/core';
import { wholeNumber } from './flags.ts';

export const runFlags = {
  'as-of': Flags.string({ helpValue: 'TIME', summary: 'Select what is due at this time instead of now.' }),
  'dry-run': Flags.boolean({ summary: 'Show what would be charged; write and send nothing.' }),
  'max-count': wholeNumber({ summary: 'Stop before anything is charged when more charges are due.' }),
  'max-amount': Flags.string({
    multiple: true,
    helpValue: 'USD=5000.00',
    summary: 'Stop before anything is charged when more is due; a currency that is not named is limited to 0.',
  }),
  concurrency: wholeNumber({ min: 1, max: 1000, summary: 'How many sends at a time.' }),
  'fail-on-decline': Flags.boolean({ summary: 'End with 3 when a charge was declined.' }),
};
