// The customers of a book.
import { BaseCommand } from '../../cli/base-command.ts';
import { listFlags } from '../../cli/flags.ts';
import { pages } from '../../cli/pages.ts';
import { customerColumns, toCustomerView } from '../../cli/views/customer-view.ts';
import type { Customer } from '../../customers/customer.ts';
import { countCustomers, customerPage } from '../../customers/customers-store.ts';

export default class CustomersList extends BaseCommand<typeof CustomersList> {
  static override summary = 'List customers, newest first.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --format csv',
  ];
  static override flags = listFlags;

  async run(): Promise<void> {
    const { reader } = (await this.open()).book;
    const rows = pages((limit, before: Customer | undefined) => customerPage(reader, limit, before), toCustomerView);
    const columns = customerColumns((time) => this.time(time));
    await this.showList({ schema: 'bursar.customers/1', rows, total: await countCustomers(reader) }, columns);
  }
}
