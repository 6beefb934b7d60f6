// The summary of a run: what is due in a dry run, what came of it in a real one.
import type { RunResult } from '../billing/preview-run.ts';
import { formatMoney } from '../money/money.ts';
import { printFields } from './output.ts';
import type { Terminal } from './terminal.ts';
import { dueText, dueView, runView } from './views/run-view.ts';

export const showRun = {
  /** The run, with what was due, and the error that stopped it. */
  view(result: RunResult) {
    const { run, due, error, unknownLeft } = result;
    const stopped =
      error === null ? null : { code: error.code, message: error.message, hint: error.hint, exitCode: error.exitCode };
    return {
      schema: 'bursar.run/1',
      ...runView(run),
      due: dueView(due),
      unknownLeft,
      ...(stopped === null ? {} : { error: stopped }),
    };
  },

  async print(result: RunResult, terminal: Terminal): Promise<void> {
    const { run, due, error, unknownLeft } = result;
    if (run.dryRun) {
      await printFields(
        [
          ['Would charge', dueText(due)],
          ['Would skip', `${run.counts.skipped} periods`],
        ],
        terminal,
      );
    } else {
      const { counts, totals } = run;
      const captured = [...totals].map(([currency, minor]) => formatMoney(minor, currency)).join(', ');
      await printFields(
        [
          ['Run', run.id],
          ['Status', run.stoppedBy === null ? run.status : `${run.status} (${run.stoppedBy})`],
          ['Charges tried', `${counts.due}, ${counts.retried} of them retries`],
          ['Approved', counts.approved],
          ['Captured', captured === '' ? 'nothing' : captured],
          ['Declined', counts.declined],
          ['Not executed', counts.rejected],
          ['Requires action', counts.requiresAction],
          ['Settling', counts.settling],
          ['Unknown', counts.unknown],
          ['Resolved from before', counts.resolved],
          ['Periods skipped', counts.skipped],
        ],
        terminal,
      );
    }
    if (error !== null) terminal.note(`Error: ${error.message}\n${error.hint === null ? '' : `${error.hint}\n`}`);
    else if (unknownLeft > 0 && !run.dryRun) {
      terminal.note(
        `${unknownLeft} ${unknownLeft === 1 ? 'outcome is' : 'outcomes are'} unknown; the next run finds out. See: bursar attempts list --open\n`,
      );
    }
  },
};
