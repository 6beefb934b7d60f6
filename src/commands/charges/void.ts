// Releases what an authorization holds.
import { Args } from '@oclif/core';
import { findCharge, voidCharge } from '../../charges/operations.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { actedOn } from '../../cli/charge-outcome.ts';
import { findId } from '../../cli/find-id.ts';
import { confirmOnLive } from '../../cli/live-guard.ts';
import { type ChargeDocument, chargeFields, unknownNote } from '../../cli/views/charge-view.ts';
import { questionAbout } from '../../cli/who.ts';

export default class ChargesVoid extends BaseCommand<typeof ChargesVoid> {
  static override summary = 'Release an authorized charge without capturing it.';
  static override description =
    'Ends with 0 when released, 3 when the provider declined, 4 when the outcome is not known yet.';
  static override examples = [
    `<%= config.bin %> charges void "$(bursar charges create --customer "$(bursar customers list --format csv | tail -n 1 | cut -d , -f 1)" --amount 5.00 --currency USD --authorize --json | grep -o 'ch_[0-9a-z]*')"`,
  ];
  static override args = { id: Args.string({ required: true, description: 'The charge.' }) };

  async run(): Promise<ChargeDocument> {
    const app = await this.open();
    const pipeline = await app.pipeline();
    const charge = await findCharge(pipeline, await findId(app, 'charge', this.args.id, { money: true }));
    await confirmOnLive(app, this.asker, () =>
      questionAbout(app, charge, 'Release the hold of % for', charge.authorizedMinor),
    );
    const { document, exit, note } = await actedOn(app, await voidCharge(pipeline, charge.id), 'void');
    this.exitWith(exit);
    if (note !== '') this.terminal.note(note);
    return this.show(document, async () => {
      await this.printFields(chargeFields(document, (time) => this.time(time)));
      this.terminal.note(unknownNote(document));
    });
  }
}
