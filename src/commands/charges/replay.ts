// Gives exhausted charges another life, by an operator's word.
import { Args, Flags } from '@oclif/core';
import { reasonOf } from '../../cli/ask-reason.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { confirmOnLive } from '../../cli/live-guard.ts';
import {
  planReplay,
  type Refused,
  type ReplayDocument,
  replayExit,
  replayPlanned,
  replayQuestion,
} from '../../cli/replay-charges.ts';
import { chargeColumns } from '../../cli/views/charge-view.ts';

export default class ChargesReplay extends BaseCommand<typeof ChargesReplay> {
  static override summary = 'Send exhausted charges again.';
  static override description =
    'Each at once and under a new key. Ends with 0 when it finished, whatever was declined, with 4 while an outcome is unknown, with 1 when every charge was refused.';
  static override examples = [
    '<%= config.bin %> charges replay "$(bursar charges list --status exhausted --limit 1 --format csv | tail -n 1 | cut -d , -f 1)" --reason "customer asked us to try again"',
  ];
  static override args = { id: Args.string({ multiple: true, required: true, description: 'The charges.' }) };
  static override flags = {
    reason: Flags.string({ summary: 'Why, for the audit log. Required.' }),
    'fail-on-decline': Flags.boolean({ default: false, summary: 'End with 3 when one is declined.' }),
    'dry-run': Flags.boolean({ default: false, summary: 'Tell which would be sent, write and send nothing.' }),
  };

  async run(): Promise<ReplayDocument> {
    const { flags } = this;
    const reason = await reasonOf(this.asker, flags.reason);
    const app = await this.open();
    const plan = await planReplay(app, this.args.id);
    if (!flags['dry-run'] && plan.charges.length > 0) {
      await confirmOnLive(app, this.asker, () => replayQuestion(plan.charges));
    }
    const replay = await replayPlanned(app, plan, flags['dry-run'] ? null : reason);
    if (!flags['dry-run'] || replay.charges.length === 0) this.exitWith(replayExit(replay, flags['fail-on-decline']));
    return this.show(replay.document, () => this.#print(replay.document, replay.refused));
  }

  async #print({ replayed }: ReplayDocument, refused: readonly Refused[]): Promise<void> {
    await this.printTable(
      replayed,
      chargeColumns((time) => this.time(time)),
    );
    for (const { message } of refused) await this.printLine(`Refused: ${message}`);
  }
}
