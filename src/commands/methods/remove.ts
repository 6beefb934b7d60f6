// Removes a payment method that nothing goes on with.
import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { findId } from '../../cli/find-id.ts';
import { methodFields, toMethodView } from '../../cli/views/customer-view.ts';
import { removeMethod } from '../../schedules/remove-method.ts';

export default class MethodsRemove extends BaseCommand<typeof MethodsRemove> {
  static override summary = 'Remove a payment method that no active schedule or unfinished charge uses.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> "$(bursar methods list --format csv | tail -n 2 | head -n 1 | cut -d , -f 1)"',
  ];
  static override args = { method: Args.string({ required: true, description: 'Id of the payment method.' }) };

  async run(): Promise<object> {
    const app = await this.open();
    const id = await findId(app, 'method', this.args.method, { money: false });
    const view = toMethodView(await removeMethod(app.customers, id));
    const data = { schema: 'bursar.method/1', ...view, removed: true };
    return this.show(data, async () => {
      await this.printFields(methodFields(view, (time) => this.time(time)));
      await this.printLine('Removed.');
    });
  }
}
