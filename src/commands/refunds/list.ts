// Refunds, newest first.
import { Flags } from '@oclif/core';
import { REFUND_STATUSES } from '../../charges/refund.ts';
import { countRefunds, type RefundFilter, refundPage } from '../../charges/refunds-store.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { findId } from '../../cli/find-id.ts';
import { chosenWord } from '../../cli/flag-words.ts';
import { listFlags } from '../../cli/flags.ts';
import { pages } from '../../cli/pages.ts';
import { refundDetailColumns, toRefundDetailView } from '../../cli/views/refund-view.ts';

export default class RefundsList extends BaseCommand<typeof RefundsList> {
  static override summary = 'List refunds, newest first.';
  static override examples = [
    '<%= config.bin %> refunds list',
    '<%= config.bin %> refunds list --status pending --json',
  ];
  static override flags = {
    charge: Flags.string({ helpValue: 'ID', summary: 'Only of this charge.' }),
    status: Flags.string({ helpValue: REFUND_STATUSES.join('|'), summary: 'Only with this status.' }),
    ...listFlags,
  };

  async run(): Promise<void> {
    const { flags } = this;
    const filter: RefundFilter = {};
    if (flags.status !== undefined) filter.status = chosenWord('--status', flags.status, REFUND_STATUSES);
    const app = await this.open();
    const { reader } = app.book;
    if (flags.charge !== undefined) filter.chargeId = await findId(app, 'charge', flags.charge, { money: false });
    const rows = pages(
      (limit, before: Parameters<typeof refundPage>[3]) => refundPage(reader, filter, limit, before),
      toRefundDetailView,
    );
    const total = await countRefunds(reader, filter);
    await this.showList(
      { schema: 'bursar.refunds/1', rows, total },
      refundDetailColumns((time) => this.time(time)),
    );
  }
}
