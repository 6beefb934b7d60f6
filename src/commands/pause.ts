// The kill switch: the first thing to reach for in an incident.
import { Flags } from '@oclif/core';
import { letChecksPass, pause } from '../charges/pause.ts';
import { EVERY_GATEWAY } from '../charges/pauses-store.ts';
import { reasonOf } from '../cli/ask-reason.ts';
import { BaseCommand } from '../cli/base-command.ts';
import { isoTime } from '../cli/time-format.ts';

export default class PauseCommand extends BaseCommand<typeof PauseCommand> {
  static override summary = 'Stop sending, at once and in every process: to one gateway, or to all.';
  static override description =
    'What is on its way already is not called back; what came of it is still recorded. `bursar resume` ends the pause.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --reason "duplicate charges reported"',
    '<%= config.bin %> <%= command.id %> --gateway simulated --reason "provider outage"',
  ];
  static override flags = {
    gateway: Flags.string({ helpValue: 'NAME', summary: 'Only this gateway.' }),
    reason: Flags.string({ summary: 'Why; everyone who is stopped reads it.' }),
  };

  async run(): Promise<object> {
    const app = await this.open();
    const { gateway } = this.flags;
    if (gateway !== undefined) app.assertGateway(gateway);
    const reason = await reasonOf(this.asker, this.flags.reason);
    const { pause: standing, isNew } = await pause(app, gateway ?? EVERY_GATEWAY, reason);
    await letChecksPass(app);
    const { scope, since } = standing;
    if (!isNew) this.terminal.note('It was paused already; nothing was changed.\n');
    const data = { schema: 'bursar.pause/1', scope, paused: true, reason: standing.reason, since: isoTime(since) };
    return this.show(data, () =>
      this.printFields([
        ['Scope', scope === EVERY_GATEWAY ? 'every gateway' : scope],
        ['Paused', true],
        ['Reason', standing.reason],
        ['By', standing.actor],
        ['Since', this.time(since)],
      ]),
    );
  }
}
