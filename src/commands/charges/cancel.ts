// Ends a charge that has not been collected, first at the provider.
import { Args, Flags } from '@oclif/core';
import { cancelCharge } from '../../charges/cancel.ts';
import { findCharge } from '../../charges/operations.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { cancelled } from '../../cli/charge-outcome.ts';
import { findId } from '../../cli/find-id.ts';
import { confirmOnLive } from '../../cli/live-guard.ts';
import { optionalText } from '../../cli/text-input.ts';
import { type ChargeDocument, chargeFields, unknownNote } from '../../cli/views/charge-view.ts';
import { questionAbout } from '../../cli/who.ts';

export default class ChargesCancel extends BaseCommand<typeof ChargesCancel> {
  static override summary = 'Cancel a charge that has not been collected.';
  static override description =
    'First at the provider, so that nothing that is still on its way is collected. Where the money turns out to be collected already, the charge is captured, and the command ends with 1.';
  static override examples = [
    '<%= config.bin %> charges cancel "$(bursar charges list --status failed --limit 1 --format csv | tail -n 1 | cut -d , -f 1)" --reason "order withdrawn"',
  ];
  static override args = { id: Args.string({ required: true, description: 'The charge.' }) };
  static override flags = { reason: Flags.string({ summary: 'Why, for the audit log.' }) };

  async run(): Promise<ChargeDocument> {
    const app = await this.open();
    const reason = optionalText('--reason', this.flags.reason);
    const pipeline = await app.pipeline();
    const charge = await findCharge(pipeline, await findId(app, 'charge', this.args.id, { money: true }));
    await confirmOnLive(app, this.asker, () =>
      questionAbout(app, charge, 'Cancel the charge of % to', charge.amountMinor),
    );
    const { document, exit } = await cancelled(app, await cancelCharge(pipeline, charge.id, reason));
    this.exitWith(exit);
    if (document.status !== 'cancelled') this.terminal.note(`Not cancelled: the charge is ${document.status}.\n`);
    return this.show(document, async () => {
      await this.printFields(chargeFields(document, (time) => this.time(time)));
      this.terminal.note(unknownNote(document));
    });
  }
}
