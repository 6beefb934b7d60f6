// An operator's word on an attempt whose outcome nobody could prove.
import { Args, Flags } from '@oclif/core';
import { RESOLUTIONS, resolveAttempt } from '../../charges/resolve.ts';
import { reasonOf } from '../../cli/ask-reason.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { findId } from '../../cli/find-id.ts';
import { chosenWord } from '../../cli/flag-words.ts';
import { confirmOnLive } from '../../cli/live-guard.ts';
import { askChoice } from '../../cli/prompts.ts';
import { optionalText } from '../../cli/text-input.ts';
import { CHARGE_SCHEMA, type ChargeDocument, chargeFields, toChargeView } from '../../cli/views/charge-view.ts';

export default class AttemptsResolve extends BaseCommand<typeof AttemptsResolve> {
  static override summary = 'Say what became of an attempt that nobody else can prove.';
  static override description =
    'Refused while proof is still possible: bursar billing run looks for it. A charge resolved as not paid is exhausted, never tried again by itself; a capture, void or refund leaves its charge as it was. A refund that was approved and has failed at the provider since is told with --as declined --force. Audited with the reason.';
  static override examples = [
    `<%= config.bin %> attempts resolve "$(bursar attempts list --open --limit 1 --format csv | tail -n 1 | cut -d , -f 1)" --as not-executed --reason "not in the provider's dashboard" --force --dry-run`,
  ];
  static override args = { id: Args.string({ required: true, description: 'The attempt.' }) };
  static override flags = {
    as: Flags.string({ helpValue: RESOLUTIONS.join('|'), summary: 'What became of it. Required.' }),
    reason: Flags.string({ summary: 'How you know, for the audit log. Required.' }),
    reference: Flags.string({ summary: "The provider's reference, with --as approved." }),
    force: Flags.boolean({ default: false, summary: 'Even though it may still be proved.' }),
    'dry-run': Flags.boolean({ default: false, summary: 'Show what the charge would become, write nothing.' }),
  };

  async run(): Promise<ChargeDocument & { dryRun: boolean }> {
    const { flags } = this;
    const choices = RESOLUTIONS.map((value) => ({ value }));
    const said = flags.as ?? (await askChoice(this.asker, { flag: '--as', message: 'What became of it?', choices }));
    const as = chosenWord('--as', said, RESOLUTIONS);
    const reason = await reasonOf(this.asker, flags.reason);
    const reference = optionalText('--reference', flags.reference, 200);
    const app = await this.open();
    const attemptId = await findId(app, 'attempt', this.args.id, { money: true });
    const { force, 'dry-run': dryRun } = flags;
    if (!dryRun) await confirmOnLive(app, this.asker, () => `Record attempt ${attemptId} as ${as}, for good?`);
    const { charge } = await resolveAttempt(await app.pipeline(), { attemptId, as, reason, reference, force, dryRun });
    // What was resolved is no longer open, also where a dry run has left it so in the book.
    const document: ChargeDocument & { dryRun: boolean } = {
      schema: CHARGE_SCHEMA,
      ...toChargeView(charge, null),
      dryRun,
    };
    return this.show(document, async () => {
      await this.printFields(chargeFields(document, (time) => this.time(time)));
      if (dryRun) this.terminal.note('Dry run: nothing was written.\n');
    });
  }
}
