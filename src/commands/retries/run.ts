// Retries the failed charges that are due again.
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { wholeNumber } from '../../cli/flags.ts';
import { runExitCode, runFlow } from '../../cli/run-flow.ts';
import { showRun } from '../../cli/show-run.ts';

export default class RetriesRun extends BaseCommand<typeof RetriesRun> {
  static override summary = 'Try failed charges again whose retry is due.';
  static override description = '`billing run` does this too; here it is alone, for a tighter timer.';
  static override examples = [
    '<%= config.bin %> retries run',
    '<%= config.bin %> retries run --as-of 2027-02-03 --dry-run',
  ];
  static override flags = {
    'as-of': Flags.string({ helpValue: 'TIME', summary: 'Select what is due at this time instead of now.' }),
    'dry-run': Flags.boolean({ summary: 'Show what would be tried; write and send nothing.' }),
    'max-count': wholeNumber({ summary: 'Stop before anything is sent when more retries are due.' }),
    'max-amount': Flags.string({
      multiple: true,
      helpValue: 'USD=5000.00',
      summary: 'Stop before anything is sent when more is due; a currency that is not named is limited to 0.',
    }),
    concurrency: wholeNumber({ min: 1, max: 1000, summary: 'How many sends at a time.' }),
    'fail-on-decline': Flags.boolean({ summary: 'End with 3 when a charge was declined.' }),
  };

  async run() {
    const app = await this.open();
    const signal = this.interruptSignal;
    const isSilent = this.jsonEnabled();
    const result = await runFlow('retries', this.flags, { app, asker: this.asker, signal, isSilent });
    this.exitWith(runExitCode(result, this.flags['fail-on-decline']));
    return this.show(showRun.view(result), () => showRun.print(result, this.terminal));
  }
}
