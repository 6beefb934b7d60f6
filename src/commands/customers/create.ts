// A new customer.
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { askInput } from '../../cli/prompts.ts';
import { customerFields, toCustomerView } from '../../cli/views/customer-view.ts';
import { nameFault } from '../../customers/customer.ts';
import { createCustomer } from '../../customers/customers.ts';

export default class CustomersCreate extends BaseCommand<typeof CustomersCreate> {
  static override summary = 'Create a customer.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --name "Ada Lovelace" --email ada@example.com',
    '<%= config.bin %> <%= command.id %> --name "Ada Lovelace" --json',
  ];
  static override flags = {
    name: Flags.string({ summary: 'Name of the customer.' }),
    email: Flags.string({ helpValue: 'ADDRESS', summary: 'Email address.' }),
  };

  async run(): Promise<object> {
    const app = await this.open();
    const name = this.flags.name ?? (await this.#askName());
    const customer = await createCustomer(app.customers, { name, email: this.flags.email ?? null });
    const view = toCustomerView(customer);
    return this.show({ schema: 'bursar.customer/1', ...view }, () =>
      this.printFields(customerFields(view, (time) => this.time(time))),
    );
  }

  #askName(): Promise<string> {
    const validate = (text: string): true | string => {
      const fault = nameFault(text);
      return fault === null || `The name ${fault}.`;
    };
    return askInput(this.asker, { flag: '--name', message: 'Name of the customer?', validate });
  }
}
