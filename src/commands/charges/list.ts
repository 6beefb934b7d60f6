// The charges of the book, newest first.
import { Flags } from '@oclif/core';
import { chargePage, countCharges } from '../../charges/charges-store.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { chargeViews } from '../../cli/charge-documents.ts';
import { readChargeFilter } from '../../cli/charge-filter.ts';
import { listFlags, timeRangeFlags } from '../../cli/flags.ts';
import { pagesOf } from '../../cli/pages.ts';
import { chargeColumns } from '../../cli/views/charge-view.ts';

export default class ChargesList extends BaseCommand<typeof ChargesList> {
  static override summary = 'List charges, newest first.';
  static override examples = [
    '<%= config.bin %> charges list --status failed,exhausted',
    '<%= config.bin %> charges list --since 2026-01-01 --format csv',
  ];
  static override flags = {
    status: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      summary: 'Only these; may be repeated, or divided by commas.',
    }),
    customer: Flags.string({ helpValue: 'ID', summary: 'Only of this customer.' }),
    ...timeRangeFlags,
    ...listFlags,
  };

  async run(): Promise<void> {
    const app = await this.open();
    const { reader } = app.book;
    const filter = await readChargeFilter(app, this.flags);
    const rows = pagesOf(
      (limit, before: Parameters<typeof chargePage>[3]) => chargePage(reader, filter, limit, before),
      (charges) => chargeViews(app, charges),
    );
    const total = await countCharges(reader, filter);
    const columns = chargeColumns((time) => this.time(time));
    await this.showList({ schema: 'bursar.charges/1', rows, total }, columns);
  }
}
