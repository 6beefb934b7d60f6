// A new payment method of a customer, perhaps in the place of another one.
import { Flags } from '@oclif/core';
import { customerId } from '../../cli/ask-customer.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { findId } from '../../cli/find-id.ts';
import { askChoice, askInput } from '../../cli/prompts.ts';
import { counted } from '../../cli/text.ts';
import { methodFields, toMethodView } from '../../cli/views/customer-view.ts';
import { addMethod } from '../../customers/methods.ts';
import { replaceMethod } from '../../schedules/replace-method.ts';

export default class MethodsAdd extends BaseCommand<typeof MethodsAdd> {
  static override summary = "Add a payment method: a gateway's token, never a card number.";
  static override description =
    'With --replaces, the schedules and the uncollected charges of the old method go on with the new one, and those that waited for a method are tried again by the next run.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --customer $(<%= config.bin %> customers list --format csv --limit 1 | tail -1 | cut -d, -f1) --gateway simulated --token tok_approved --brand visa --last4 4242',
  ];
  static override flags = {
    customer: Flags.string({ helpValue: 'ID', summary: 'Whose method it is.' }),
    gateway: Flags.string({ helpValue: 'NAME', summary: 'Gateway that gave out the token. Default: the only one.' }),
    token: Flags.string({ summary: "The gateway's token for the card or account." }),
    brand: Flags.string({ summary: 'Brand of the card, for people to tell it by.' }),
    last4: Flags.string({ helpValue: 'DIGITS', summary: 'Its last four digits.' }),
    replaces: Flags.string({ helpValue: 'ID', summary: 'The method of the same customer that this one replaces.' }),
  };

  async run(): Promise<object> {
    const app = await this.open();
    const { flags, asker } = this;
    const customer = await customerId(app, asker, flags.customer);
    const choices = Object.keys(app.gatewayConfigs).map((value) => ({ value }));
    const gateway =
      app.defaultGateway(flags.gateway) ??
      (await askChoice(asker, { flag: '--gateway', message: 'Which gateway gave out the token?', choices }));
    const token = flags.token ?? (await askInput(asker, { flag: '--token', message: "The gateway's token?" }));
    const { replaces } = flags;
    const old = replaces === undefined ? null : await findId(app, 'method', replaces, { money: false });
    const request = { customerId: customer, gateway, token, brand: flags.brand ?? null, last4: flags.last4 ?? null };
    const { method, replaced } =
      old === null
        ? { method: await addMethod(app.customers, request), replaced: null }
        : await replaceMethod(app.customers, request, old);
    const view = toMethodView(method);
    return this.show({ schema: 'bursar.method/1', ...view, replaced }, async () => {
      await this.printFields(methodFields(view, (time) => this.time(time)));
      if (replaced === null) return;
      const { methodId, schedules, charges } = replaced;
      await this.printLine(
        `It replaces ${methodId} for ${counted(schedules, 'schedule')} and ${counted(charges, 'charge')}.`,
      );
    });
  }
}
