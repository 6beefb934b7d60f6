// Journal entries with their postings.
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { findId } from '../../cli/find-id.ts';
import { listFlags, timeRangeFlags } from '../../cli/flags.ts';
import { pages } from '../../cli/pages.ts';
import { parseTimeRange } from '../../cli/time-input.ts';
import { entryColumns, toEntryView } from '../../cli/views/ledger-view.ts';
import type { JournalEntry } from '../../ledger/ledger.ts';
import { countEntries, type EntryFilter, entryPage } from '../../ledger/ledger-store.ts';

export default class LedgerEntries extends BaseCommand<typeof LedgerEntries> {
  static override summary = 'List journal entries with their postings, newest first.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --account revenue:sales --since 2027-01-01 --format csv',
  ];
  static override flags = {
    charge: Flags.string({ helpValue: 'ID', summary: 'Only entries of this charge.' }),
    account: Flags.string({ helpValue: 'NAME', summary: 'Only entries that post to this account.' }),
    ...timeRangeFlags,
    ...listFlags,
  };

  async run(): Promise<void> {
    const app = await this.open();
    const { reader } = app.book;
    const { charge, account } = this.flags;
    const filter: EntryFilter = await parseTimeRange(this.flags, app);
    if (charge !== undefined) filter.chargeId = await findId(app, 'charge', charge, { money: false });
    if (account !== undefined) filter.account = account;
    const rows = pages(
      (limit, before: JournalEntry | undefined) => entryPage(reader, filter, limit, before),
      toEntryView,
    );
    const columns = entryColumns((time) => this.time(time));
    await this.showList({ schema: 'bursar.entries/1', rows, total: await countEntries(reader, filter) }, columns);
  }
}
