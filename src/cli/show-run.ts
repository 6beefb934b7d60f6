// The summary of a run: what is due in a dry run, what came of it in a real one.
import type { RunResult } from '../billing/execute-run.ts';
import { formatMoney } from '../money/money.ts';
import { printFields } from './output.ts';
import type { Terminal } from './terminal.ts';
import { dueText, dueView, runView } from './views/run-view.ts';

export const showRun = {
  /** The run, with what was due, and the error that stopped it. */
  view(result: RunResult) {
    const { run, due, error, unknownLeft } = result;
    const stopped = error === null ? null : { code: error.code, message: error.message, hint: error.hint, exitCode: error.exitCode };
    return { ...runView(run), due: dueView(due), unknownLeft, ...(stopped === null ? {} : { error: stopped }) };
  },

  async print(result: RunResult, terminal: Terminal): Promise<void> {
    const { run, due, error, unknownLeft } = result;
    if (run.dryRun) {
      await printFields(
        [
          ['would charge', dueText(due)],
          ['would skip', `${run.counts.skipped} periods`],
        ],
        terminal,
      );
    } else {
      const { counts, totals } = run;
      const captured = [...totals].map(([currency, minor]) => formatMoney(minor, currency)).join(', ');
      await printFields(
        [
          ['run', run.id],
          ['status', run.stoppedBy === null ? run.status : `${run.status} (${run.stoppedBy})`],
          ['charges tried', `${counts.due}, ${counts.retried} of them retries`],
          ['approved', counts.approved],
          ['captured', captured === '' ? 'nothing' : captured],
          ['declined', counts.declined],
          ['not executed', counts.rejected],
          ['requires action', counts.requiresAction],
          ['settling', counts.settling],
          ['unknown', counts.unknown],
          ['resolved from before', counts.resolved],
          ['periods skipped', counts.skipped],
        ],
        terminal,
      );
    }
    if (error !== null) terminal.note(`Error: ${error.message}\n${error.hint === null ? '' : `${error.hint}\n`}`);
    else if (unknownLeft > 0 && !run.dryRun) {
      terminal.note(`${unknownLeft} outcomes are unknown; the next run finds out. See: bursar attempts list --open\n`);
    }
  },
};
