// One customer with their payment methods.
import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { findId } from '../../cli/find-id.ts';
import { customerFields, methodColumns, toCustomerView, toMethodView } from '../../cli/views/customer-view.ts';
import { customersById } from '../../customers/customers-store.ts';
import { methodsOfCustomer } from '../../customers/methods-store.ts';
import { assert } from '../../errors.ts';

export default class CustomersShow extends BaseCommand<typeof CustomersShow> {
  static override summary = 'Show a customer and their payment methods.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> $(<%= config.bin %> customers list --format csv --limit 1 | tail -1 | cut -d, -f1)',
  ];
  static override args = { customer: Args.string({ required: true, description: 'Id of the customer.' }) };

  async run(): Promise<object> {
    const app = await this.open();
    const id = await findId(app, 'customer', this.args.customer, { money: false });
    const { reader } = app.book;
    const customer = (await customersById(reader, [id])).get(id);
    assert(customer !== undefined, 'a customer that was found is there');
    const view = toCustomerView(customer);
    const methods = (await methodsOfCustomer(reader, id)).map(toMethodView);
    const time = (at: string | null): string | null => this.time(at);
    return this.show({ schema: 'bursar.customer/1', ...view, methods }, async () => {
      await this.printFields(customerFields(view, time));
      if (methods.length > 0) await this.printLine();
      await this.printTable(methods, methodColumns(time));
    });
  }
}
