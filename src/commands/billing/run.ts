// Bills what is due: what cron calls.
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { runFlags } from '../../cli/run-flags.ts';
import { runExitCode, runFlow } from '../../cli/run-flow.ts';
import { showRun } from '../../cli/show-run.ts';

export default class BillingRun extends BaseCommand<typeof BillingRun> {
  static override summary = 'Charge what is due: periods of schedules, pending charges, due retries.';
  static override description =
    'First finds out what came of attempts that were left unknown. Killed at any point, the next run goes on where this one stood; two runs at once share the work. Ends with 0 when it finished, whatever was declined, and with 4 while outcomes are unknown.';
  static override examples = [
    '<%= config.bin %> billing run --dry-run',
    '<%= config.bin %> billing run --as-of 2027-02-01 --max-amount USD=5000.00',
  ];
  static override flags = {
    ...runFlags,
    'catch-up': Flags.string({
      helpValue: 'all|latest|skip|max=N',
      summary: 'What to do with missed periods (at most 35 days back).',
      description:
        'all: bill each. latest: only the newest due one of each schedule. skip: none that fell due more than a day ago. max=N: the newest N. What is skipped is recorded.',
      default: 'all',
    }),
  };

  async run() {
    const app = await this.open({ isRun: true });
    const signal = this.interruptSignal;
    const isSilent = this.jsonEnabled();
    const result = await runFlow('billing', this.flags, { app, asker: this.asker, signal, isSilent });
    this.exitWith(runExitCode(result, this.flags['fail-on-decline']));
    return this.show(showRun.view(result), () => showRun.print(result, this.terminal));
  }
}
