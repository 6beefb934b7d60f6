// Closes a month of the ledger.
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { askInput, confirm } from '../../cli/prompts.ts';
import { isoTime } from '../../cli/time-format.ts';
import { assertClosable } from '../../ledger/balances.ts';
import { formatMonth } from '../../ledger/ledger.ts';
import { closeLedgerMonth, parseMonth } from '../../reconciliation/close-month.ts';

export default class LedgerClose extends BaseCommand<typeof LedgerClose> {
  static override summary =
    'Close a month that is over (UTC), and all before it: nothing is posted into them any more.';
  static override examples = ['<%= config.bin %> <%= command.id %> --month 2026-01 --yes'];
  static override flags = {
    month: Flags.string({ helpValue: 'YYYY-MM', summary: 'The month.' }),
  };

  async run(): Promise<object> {
    const app = await this.open();
    const text =
      this.flags.month ?? (await askInput(this.asker, { flag: '--month', message: 'Which month (2027-01)?' }));
    const month = parseMonth(text);
    await assertClosable(app.book.reader, month, app.clock.nowMs());
    await confirm(this.asker, `Close ${formatMonth(month)} and all months before it for good?`);
    const closed = await closeLedgerMonth(app, month);
    const data = { schema: 'bursar.closed_month/1', ...closed, closedAt: isoTime(closed.closedAt) };
    return this.show(data, () =>
      this.printFields([
        ['Closed', closed.month],
        ['Postings', closed.postings],
        ['At', this.time(closed.closedAt)],
      ]),
    );
  }
}
