// Says that the clock of this machine is right, after a correction.
import { Flags } from '@oclif/core';
import { reasonOf } from '../../../cli/ask-reason.ts';
import { BaseCommand } from '../../../cli/base-command.ts';
import { confirmOnLive } from '../../../cli/live-guard.ts';
import { isoTime } from '../../../cli/time-format.ts';

export default class DoctorClockAccept extends BaseCommand<typeof DoctorClockAccept> {
  static override summary = 'Say that the clock of this machine is right now: sending goes on.';
  static override description =
    'Sending stops when the clock stands more than five minutes before a time at which this book has sent, or when a gateway says that it is more than five minutes off. A clock that was ahead and was set right shows in the same way. Set it right first. Audited with the reason.';
  static override examples = ['<%= config.bin %> <%= command.id %> --reason "clock was a day ahead; NTP is back"'];
  static override flags = {
    reason: Flags.string({ summary: 'What was wrong, for the audit log. Required.' }),
  };

  async run(): Promise<object> {
    const { acceptClockNow } = await import('../../../charges/accept-clock.ts');
    const reason = await reasonOf(this.asker, this.flags.reason);
    const app = await this.open();
    const said = new Date(app.clock.nowMs()).toISOString();
    await confirmOnLive(app, this.asker, () => `Take ${said} for the right time of ${app.book.where}?`);
    const { now, was, cleared } = await acceptClockNow(app, reason);
    const data = {
      schema: 'bursar.clock/1',
      now: isoTime(now),
      latestBefore: was === null ? null : isoTime(was),
      cleared,
      reason,
    };
    return this.show(data, () =>
      this.printFields([
        ['Now', this.time(now)],
        ['Latest before', this.time(was)],
        ['Gateways cleared', cleared.length === 0 ? 'none' : cleared.map(({ gateway }) => gateway).join(', ')],
        ['Reason', reason],
      ]),
    );
  }
}
