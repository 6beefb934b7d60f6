// Payment methods, of one customer or of all.
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { findId } from '../../cli/find-id.ts';
import { listFlags } from '../../cli/flags.ts';
import { pages } from '../../cli/pages.ts';
import { methodColumns, toMethodView } from '../../cli/views/customer-view.ts';
import type { PaymentMethod } from '../../customers/customer.ts';
import { countMethods, methodPage } from '../../customers/methods-store.ts';

export default class MethodsList extends BaseCommand<typeof MethodsList> {
  static override summary = 'List payment methods, newest first; removed ones are left out.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --format ndjson',
  ];
  static override flags = {
    customer: Flags.string({ helpValue: 'ID', summary: 'Only those of this customer.' }),
    ...listFlags,
  };

  async run(): Promise<void> {
    const app = await this.open();
    const { reader } = app.book;
    const { customer } = this.flags;
    const filter =
      customer === undefined ? {} : { customerId: await findId(app, 'customer', customer, { money: false }) };
    const rows = pages(
      (limit, before: PaymentMethod | undefined) => methodPage(reader, filter, limit, before),
      toMethodView,
    );
    const columns = methodColumns((time) => this.time(time));
    await this.showList({ schema: 'bursar.methods/1', rows, total: await countMethods(reader, filter) }, columns);
  }
}
