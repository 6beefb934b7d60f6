// One refund.
import { Args } from '@oclif/core';
import { refundsById } from '../../charges/refunds-store.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { findId } from '../../cli/find-id.ts';
import { type RefundDetailView, refundFields, toRefundDetailView } from '../../cli/views/refund-view.ts';
import { assert } from '../../errors.ts';

export default class RefundsShow extends BaseCommand<typeof RefundsShow> {
  static override summary = 'Show a refund.';
  static override examples = [
    '<%= config.bin %> refunds show "$(bursar refunds list --limit 1 --format csv | tail -n 1 | cut -d , -f 1)"',
  ];
  static override args = { id: Args.string({ required: true, description: 'The refund, or the end of its id.' }) };

  async run(): Promise<{ schema: 'bursar.refund/1' } & RefundDetailView> {
    const app = await this.open();
    const id = await findId(app, 'refund', this.args.id, { money: false });
    const refund = (await refundsById(app.book.reader, [id])).get(id);
    assert(refund !== undefined, `refund ${id} was just found`);
    const document = { schema: 'bursar.refund/1' as const, ...toRefundDetailView(refund) };
    return this.show(document, () => this.printFields(refundFields(document, (time) => this.time(time))));
  }
}
