// Collects what an authorization holds, in part or as a whole.
import { Args, Flags } from '@oclif/core';
import { captureCharge, findCharge } from '../../charges/operations.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { actedOn } from '../../cli/charge-outcome.ts';
import { findId } from '../../cli/find-id.ts';
import { optionalAmount } from '../../cli/flag-value.ts';
import { confirmOnLive } from '../../cli/live-guard.ts';
import { type ChargeDocument, chargeFields, unknownNote } from '../../cli/views/charge-view.ts';
import { questionAbout } from '../../cli/who.ts';

export default class ChargesCapture extends BaseCommand<typeof ChargesCapture> {
  static override summary = 'Collect an authorized charge.';
  static override description =
    'What is not captured is released. Ends with 0 when captured, 3 when declined, 4 when the outcome is not known yet.';
  static override examples = [
    `<%= config.bin %> charges capture "$(bursar charges create --customer "$(bursar customers list --format csv | tail -n 1 | cut -d , -f 1)" --amount 5.00 --currency USD --authorize --json | grep -o 'ch_[0-9a-z]*')" --amount 4.00`,
  ];
  static override args = { id: Args.string({ required: true, description: 'The charge.' }) };
  static override flags = { amount: Flags.string({ helpValue: '12.50', summary: 'Less than all that is held.' }) };

  async run(): Promise<ChargeDocument> {
    const app = await this.open();
    const pipeline = await app.pipeline();
    const charge = await findCharge(pipeline, await findId(app, 'charge', this.args.id, { money: true }));
    const amountMinor = optionalAmount('--amount', this.flags.amount, charge.currency);
    await confirmOnLive(app, this.asker, () =>
      questionAbout(app, charge, 'Capture % from', amountMinor ?? charge.authorizedMinor),
    );
    const { document, exit, note } = await actedOn(
      app,
      await captureCharge(pipeline, charge.id, amountMinor),
      'capture',
    );
    this.exitWith(exit);
    if (note !== '') this.terminal.note(note);
    return this.show(document, async () => {
      await this.printFields(chargeFields(document, (time) => this.time(time)));
      this.terminal.note(unknownNote(document));
    });
  }
}
