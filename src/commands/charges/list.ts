// The charges of the book, newest first.
import { Flags } from '@oclif/core';
import { chargePage, countCharges } from '../../charges/charge-lists-store.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { chargeViews } from '../../cli/charge-documents.ts';
import { readChargeFilter } from '../../cli/charge-filter.ts';
import { listFlags, listRange, timeRangeFlags } from '../../cli/flags.ts';
import { pagesOf } from '../../cli/pages.ts';
import { chargeColumns, unknownChargeColumns } from '../../cli/views/charge-view.ts';

export default class ChargesList extends BaseCommand<typeof ChargesList> {
  static override summary = 'List charges, newest first.';
  static override description =
    '--status unknown also finds charges with an unknown capture, void or refund, and tells how old each is, what was tried, when it is tried next, and until when the key of the request protects.';
  static override examples = [
    '<%= config.bin %> charges list --status failed,exhausted',
    '<%= config.bin %> charges list --status unknown',
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
    const time = (value: string | null): string | null => this.time(value);
    const isOnlyUnknown = filter.statuses?.every((status) => status === 'unknown') === true;
    const isAboutUnknowns = isOnlyUnknown && listRange(this.flags).format === 'table';
    const columns = isAboutUnknowns ? unknownChargeColumns(time, app.clock.nowMs()) : chargeColumns(time);
    await this.showList({ schema: 'bursar.charges/1', rows, total }, columns);
  }
}
