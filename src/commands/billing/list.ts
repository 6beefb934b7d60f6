// The runs of a book.
import type { Run } from '../../billing/run.ts';
import { countRuns, runPage } from '../../billing/runs-store.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { listFlags } from '../../cli/flags.ts';
import { pages } from '../../cli/pages.ts';
import { runColumns, runView } from '../../cli/views/run-view.ts';

export default class BillingList extends BaseCommand<typeof BillingList> {
  static override summary = 'List the runs, newest first.';
  static override examples = ['<%= config.bin %> billing list', '<%= config.bin %> billing list --format csv'];
  static override flags = listFlags;

  async run(): Promise<void> {
    const { reader } = (await this.open()).book;
    const rows = pages((limit, before: Run | undefined) => runPage(reader, limit, before), runView);
    await this.showList(
      { schema: 'bursar.runs/1', rows, total: await countRuns(reader) },
      runColumns((time) => this.time(time)),
    );
  }
}
