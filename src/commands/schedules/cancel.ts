// Ends a schedule, and its charges that wait.
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { findId } from '../../cli/find-id.ts';
import { confirmOnLive } from '../../cli/live-guard.ts';
import { cancelQuestion } from '../../cli/schedule-question.ts';
import { optionalText } from '../../cli/text-input.ts';
import {
  type CancelledDocument,
  chargeLineColumns,
  toCancelledDocument,
} from '../../cli/views/cancelled-schedule-view.ts';
import { scheduleFields } from '../../cli/views/schedule-view.ts';
import { cancelSchedule } from '../../schedules/cancel.ts';
import { findSchedule } from '../../schedules/operations.ts';

export default class SchedulesCancel extends BaseCommand<typeof SchedulesCancel> {
  static override summary = 'Cancel a schedule, with its pending and failed charges.';
  static override description =
    'No further period is billed. Charges under way are not interrupted, but cancelled should they turn out unpaid. If a charge could not be cancelled, the command ends with that error; doing it again goes on with what is left.';
  static override examples = [
    `<%= config.bin %> <%= command.id %> "$(bursar schedules list --status active --limit 1 --format csv | tail -n 1 | cut -d , -f 1)" --reason "moved away"`,
  ];
  static override args = { id: Args.string({ required: true, description: 'The schedule.' }) };
  static override flags = {
    'keep-open': Flags.boolean({ summary: 'Leave its pending and failed charges due.' }),
    reason: Flags.string({ helpValue: 'TEXT', summary: 'Why, for the audit log.' }),
  };

  async run(): Promise<CancelledDocument> {
    const app = await this.open();
    const reason = optionalText('--reason', this.flags.reason);
    const keepOpen = this.flags['keep-open'];
    const schedule = await findSchedule(app.charges, await findId(app, 'schedule', this.args.id, { money: true }));
    await confirmOnLive(app, this.asker, () => cancelQuestion(app, schedule, keepOpen));
    const result = await cancelSchedule(await app.pipeline(), schedule.id, { keepOpen, reason });
    const document = toCancelledDocument(result);
    for (const { id, error } of result.refused) this.terminal.note(`${id} was not cancelled: ${error.message}\n`);
    const [refused] = result.refused;
    if (refused !== undefined) this.exitWith(refused.error.exitCode);
    return this.show(document, async () => {
      await this.printFields(scheduleFields(document, result.schedule, (time) => this.time(time)));
      if (document.charges.length > 0) await this.printLine();
      await this.printTable(document.charges, chargeLineColumns(keepOpen));
    });
  }
}
