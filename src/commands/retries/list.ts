// Failed charges that wait for a retry, soonest first.
import type { Charge } from '../../charges/charge.ts';
import { countWaitingRetries, waitingRetryPage } from '../../charges/charge-lists-store.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { listFlags } from '../../cli/flags.ts';
import { pages } from '../../cli/pages.ts';
import { retryColumns, retryView } from '../../cli/views/retry-view.ts';

export default class RetriesList extends BaseCommand<typeof RetriesList> {
  static override summary = 'List failed charges that wait to be tried again.';
  static override description =
    'Soonest first. A charge without a time waits for another payment method of its customer.';
  static override examples = ['<%= config.bin %> retries list', '<%= config.bin %> retries list --json'];
  static override flags = listFlags;

  async run(): Promise<void> {
    const { reader } = (await this.open()).book;
    const rows = pages((limit, before: Charge | undefined) => waitingRetryPage(reader, limit, before), retryView);
    await this.showList(
      { schema: 'bursar.retries/1', rows, total: await countWaitingRetries(reader) },
      retryColumns((time) => this.time(time)),
    );
  }
}
