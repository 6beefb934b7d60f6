// Attempts, newest first: each time something was sent for a charge.
import { Flags } from '@oclif/core';
import { ATTEMPT_OUTCOMES } from '../../charges/attempt.ts';
import { type AttemptFilter, attemptPage, countAttempts } from '../../charges/attempt-lists-store.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { findId } from '../../cli/find-id.ts';
import { chosenWord } from '../../cli/flag-words.ts';
import { listFlags } from '../../cli/flags.ts';
import { pages } from '../../cli/pages.ts';
import { attemptDetailColumns, toAttemptDetailView } from '../../cli/views/attempt-view.ts';

export default class AttemptsList extends BaseCommand<typeof AttemptsList> {
  static override summary = 'List attempts, newest first.';
  static override examples = [
    '<%= config.bin %> attempts list --open',
    '<%= config.bin %> attempts list --outcome declined',
  ];
  static override flags = {
    charge: Flags.string({ helpValue: 'ID', summary: 'Only of this charge.' }),
    outcome: Flags.string({ helpValue: ATTEMPT_OUTCOMES.join('|'), summary: 'Only with this outcome.' }),
    open: Flags.boolean({ default: false, summary: 'Only those whose outcome is not final.' }),
    ...listFlags,
  };

  async run(): Promise<void> {
    const { flags } = this;
    const filter: AttemptFilter = { open: flags.open };
    if (flags.outcome !== undefined) filter.outcome = chosenWord('--outcome', flags.outcome, ATTEMPT_OUTCOMES);
    const app = await this.open();
    const { reader } = app.book;
    if (flags.charge !== undefined) filter.chargeId = await findId(app, 'charge', flags.charge, { money: false });
    const rows = pages(
      (limit, before: Parameters<typeof attemptPage>[3]) => attemptPage(reader, filter, limit, before),
      toAttemptDetailView,
    );
    const total = await countAttempts(reader, filter);
    const columns = attemptDetailColumns((time) => this.time(time));
    await this.showList({ schema: 'bursar.attempts/1', rows, total }, columns);
  }
}
