// Retries the failed charges that are due again.
import { BaseCommand } from '../../cli/base-command.ts';
import { runFlags } from '../../cli/run-flags.ts';
import { runExitCode, runFlow } from '../../cli/run-flow.ts';
import { showRun } from '../../cli/show-run.ts';

export default class RetriesRun extends BaseCommand<typeof RetriesRun> {
  static override summary = 'Try failed charges again whose retry is due.';
  static override description = '`billing run` does this too; here it is alone, for a tighter timer.';
  static override examples = [
    '<%= config.bin %> retries run',
    '<%= config.bin %> retries run --as-of 2027-02-03 --dry-run',
  ];
  static override flags = runFlags;

  async run() {
    const app = await this.open({ isRun: true });
    const signal = this.interruptSignal;
    const isSilent = this.jsonEnabled();
    const result = await runFlow('retries', this.flags, { app, asker: this.asker, signal, isSilent });
    this.exitWith(runExitCode(result, this.flags['fail-on-decline']));
    return this.show(showRun.view(result), () => showRun.print(result, this.terminal));
  }
}
