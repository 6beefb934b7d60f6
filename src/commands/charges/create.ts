// Charges a customer now, or with --authorize only holds the money.
import { Flags } from '@oclif/core';
import { createCharge, previewCharge } from '../../charges/operations.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { chargeDocument } from '../../cli/charge-documents.ts';
import { exitOfCharge, stoppedNote } from '../../cli/charge-exit.ts';
import { chargeInputFlags, readChargeFlags } from '../../cli/charge-input.ts';
import { confirmOnLive, requireKeyOnLive } from '../../cli/live-guard.ts';
import { type CreatedDocument, chargeFields, createdNote } from '../../cli/views/charge-view.ts';
import { customerName } from '../../cli/who.ts';
import { formatMoney } from '../../money/money.ts';

export default class ChargesCreate extends BaseCommand<typeof ChargesCreate> {
  static override summary = 'Charge a customer.';
  static override description =
    'Sends once. Ends with 0 when collected, 3 when declined, 4 when the outcome is not known yet, 7 when the gateway was not reached, 8 when a safety stopped it. The same --idempotency-key with the same values answers with the same charge and sends nothing.';
  static override examples = [
    `<%= config.bin %> charges create --customer "$(bursar customers list --format csv | tail -n 1 | cut -d , -f 1)" --amount 12.50 --currency USD`,
    `<%= config.bin %> charges create --customer "$(bursar customers list --format csv | tail -n 1 | cut -d , -f 1)" --amount 900 --currency JPY --authorize --idempotency-key invoice-1042`,
  ];
  static override flags = {
    ...chargeInputFlags,
    'dry-run': Flags.boolean({ default: false, summary: 'Check everything, write and send nothing.' }),
  };

  async run(): Promise<CreatedDocument> {
    const app = await this.open();
    const { flags } = this;
    const request = await readChargeFlags(app, this.asker, flags);
    const dryRun = flags['dry-run'];
    if (!dryRun) {
      requireKeyOnLive(app, this.asker, request.idempotencyKey);
      const money = formatMoney(request.amountMinor, request.currency);
      const verb = request.intent === 'authorize' ? 'Hold' : 'Charge';
      await confirmOnLive(
        app,
        this.asker,
        async () => `${verb} ${money} from ${await customerName(app, request.customerId)} through ${request.gateway}?`,
      );
    }
    const pipeline = await app.pipeline();
    const { charge, replayed } = dryRun
      ? await previewCharge(pipeline, request)
      : await createCharge(pipeline, request);
    if (!dryRun) {
      this.exitWith(exitOfCharge(charge));
      const note = stoppedNote(charge, `bursar charges replay ${charge.id} --reason "…"`);
      if (note !== '') this.terminal.note(note);
    }
    const document = { ...(await chargeDocument(app, charge)), replayed, dryRun };
    return this.show(document, async () => {
      await this.printFields(chargeFields(document, (time) => this.time(time)));
      this.terminal.note(createdNote(document));
    });
  }
}
