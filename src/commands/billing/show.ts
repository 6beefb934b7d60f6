// One run.
import { Args } from '@oclif/core';
import { runById } from '../../billing/runs-store.ts';
import { countUnknownAttempts } from '../../charges/attempts-store.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { findId } from '../../cli/find-id.ts';
import { showRun } from '../../cli/show-run.ts';
import { assert } from '../../errors.ts';

export default class BillingShow extends BaseCommand<typeof BillingShow> {
  static override summary = 'Show what a run did.';
  static override examples = [
    '<%= config.bin %> billing show "$(bursar billing list --limit 1 --format csv | tail -n 1 | cut -d , -f 1)"',
  ];
  static override args = { run: Args.string({ required: true, description: 'Id of the run.' }) };

  async run() {
    const app = await this.open();
    const id = await findId(app, 'run', this.args.run, { money: false });
    const run = await runById(app.book.reader, id);
    assert(run !== null, 'an id that was found is there');
    const result = { run, due: [], error: null, unknownLeft: await countUnknownAttempts(app.book.reader) };
    return this.show(showRun.view(result), () => showRun.print(result, this.terminal));
  }
}
