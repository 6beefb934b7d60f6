// One schedule, and the periods that runs passed over.
import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { findId } from '../../cli/find-id.ts';
import { isoTime } from '../../cli/time-format.ts';
import {
  type ShownSchedule,
  scheduleFields,
  skippedColumns,
  toScheduleDocument,
  toSkippedView,
} from '../../cli/views/schedule-view.ts';
import { findSchedule } from '../../schedules/operations.ts';
import { skippedPeriods } from '../../schedules/schedules-store.ts';

export default class SchedulesShow extends BaseCommand<typeof SchedulesShow> {
  static override summary = 'Show a schedule and what was skipped of it.';
  static override examples = [
    `<%= config.bin %> <%= command.id %> "$(bursar schedules list --limit 1 --format csv | tail -n 1 | cut -d , -f 1)"`,
  ];
  static override args = { id: Args.string({ required: true, description: 'The schedule.' }) };

  async run(): Promise<ShownSchedule> {
    const app = await this.open();
    const schedule = await findSchedule(app.charges, await findId(app, 'schedule', this.args.id, { money: false }));
    const { description, metadata, createdAt } = schedule;
    const skipped = (await skippedPeriods(app.book.reader, schedule.id)).map(toSkippedView);
    const document = { ...toScheduleDocument(schedule), description, metadata, createdAt: isoTime(createdAt), skipped };
    return this.show(document, async () => {
      const time = (at: string | null): string | null => this.time(at);
      await this.printFields([...scheduleFields(document, schedule, time), ['Created', time(document.createdAt)]]);
      if (skipped.length > 0) await this.printLine();
      await this.printTable(skipped, skippedColumns(time));
    });
  }
}
