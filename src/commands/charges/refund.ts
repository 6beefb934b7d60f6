// Gives back what was captured, in part or as a whole.
import { Args, Flags } from '@oclif/core';
import type { App } from '../../app.ts';
import type { Attempt } from '../../charges/attempt.ts';
import { attemptsById } from '../../charges/attempts-store.ts';
import { refundableMinor } from '../../charges/charge.ts';
import { findCharge, refundCharge } from '../../charges/operations.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { refundedOutcome } from '../../cli/charge-outcome.ts';
import { findId } from '../../cli/find-id.ts';
import { optionalAmount } from '../../cli/flag-value.ts';
import { confirmOnLive, requireKeyOnLive } from '../../cli/live-guard.ts';
import { optionalText } from '../../cli/text-input.ts';
import { chargeFields, type RefundedDocument, unknownNote } from '../../cli/views/charge-view.ts';
import { refundColumns } from '../../cli/views/refund-view.ts';
import { questionAbout } from '../../cli/who.ts';
import { BursarError } from '../../errors.ts';
import { LONGEST_KEY } from '../../written-text.ts';

export default class ChargesRefund extends BaseCommand<typeof ChargesRefund> {
  static override summary = 'Give a captured charge back, in part or as a whole.';
  static override description =
    'Ends with 0 when given back, 3 when declined, 4 when the outcome is not known yet. The same --idempotency-key with the same values answers with the same refund and sends nothing.';
  static override examples = [
    '<%= config.bin %> charges refund "$(bursar charges list --status captured --limit 1 --format csv | tail -n 1 | cut -d , -f 1)" --amount 1.00 --reason "damaged"',
    '<%= config.bin %> charges refund "$(bursar attempts list --outcome duplicate --limit 1 --format csv | tail -n 1 | cut -d , -f 2)" --duplicate "$(bursar attempts list --outcome duplicate --limit 1 --format csv | tail -n 1 | cut -d , -f 1)"',
  ];
  static override args = { id: Args.string({ required: true, description: 'The charge.' }) };
  static override flags = {
    amount: Flags.string({ helpValue: '12.50', summary: 'How much. Default: all that is left.' }),
    duplicate: Flags.string({
      helpValue: 'ATTEMPT',
      summary: 'Give back this second payment of the charge, as a whole.',
    }),
    reason: Flags.string({ summary: 'Why, for the audit log.' }),
    'idempotency-key': Flags.string({ helpValue: 'KEY', summary: 'Names this refund, so that it is made once.' }),
  };

  async run(): Promise<RefundedDocument> {
    const app = await this.open();
    const reason = optionalText('--reason', this.flags.reason);
    const idempotencyKey = optionalText('--idempotency-key', this.flags['idempotency-key'], LONGEST_KEY);
    const pipeline = await app.pipeline();
    const charge = await findCharge(pipeline, await findId(app, 'charge', this.args.id, { money: true }));
    const amountMinor = optionalAmount('--amount', this.flags.amount, charge.currency);
    const duplicate = await this.#duplicate(app, amountMinor);
    requireKeyOnLive(app, this.asker, idempotencyKey);
    await confirmOnLive(app, this.asker, () =>
      questionAbout(app, charge, 'Refund % to', duplicate?.amountMinor ?? amountMinor ?? refundableMinor(charge)),
    );
    const refunded = await refundCharge(pipeline, charge.id, {
      amountMinor,
      reason,
      idempotencyKey,
      duplicateAttemptId: duplicate?.id ?? null,
    });
    const { document, exit, note } = await refundedOutcome(app, refunded);
    this.exitWith(exit);
    if (note !== '') this.terminal.note(note);
    return this.show(document, async () => {
      await this.printFields(chargeFields(document, (time) => this.time(time)));
      await this.printLine();
      await this.printTable([document.refund], refundColumns(document.currency));
      this.terminal.note(unknownNote(document));
    });
  }

  async #duplicate(app: App, amountMinor: bigint | null): Promise<Attempt | null> {
    const { duplicate } = this.flags;
    if (duplicate === undefined) return null;
    if (amountMinor !== null) {
      throw new BursarError('usage', '--amount and --duplicate were given. Nothing was sent.', {
        hint: 'A duplicate is given back as a whole: leave --amount out.',
      });
    }
    const id = await findId(app, 'attempt', duplicate, { money: true });
    return (await attemptsById(app.book.reader, [id])).get(id) ?? null;
  }
}
