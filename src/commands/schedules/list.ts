// The schedules of the book, newest first.
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { findId } from '../../cli/find-id.ts';
import { chosenWords } from '../../cli/flag-words.ts';
import { listFlags } from '../../cli/flags.ts';
import { pagesOf } from '../../cli/pages.ts';
import { scheduleColumns, toScheduleView } from '../../cli/views/schedule-view.ts';
import { SCHEDULE_STATUSES } from '../../schedules/schedule.ts';
import { countSchedules, type ScheduleFilter, schedulePage } from '../../schedules/schedules-store.ts';

export default class SchedulesList extends BaseCommand<typeof SchedulesList> {
  static override summary = 'List schedules, newest first.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --status active',
    '<%= config.bin %> <%= command.id %> --format csv',
  ];
  static override flags = {
    status: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      helpValue: SCHEDULE_STATUSES.join('|'),
      summary: 'Only these; may be repeated, or divided by commas.',
    }),
    customer: Flags.string({ helpValue: 'ID', summary: 'Only of this customer.' }),
    ...listFlags,
  };

  async run(): Promise<void> {
    const app = await this.open();
    const { reader } = app.book;
    const { status, customer } = this.flags;
    const filter: ScheduleFilter = {};
    if (status !== undefined) filter.statuses = chosenWords('--status', status, SCHEDULE_STATUSES);
    if (customer !== undefined) filter.customerId = await findId(app, 'customer', customer, { money: false });
    const rows = pagesOf(
      (limit, before: Parameters<typeof schedulePage>[3]) => schedulePage(reader, filter, limit, before),
      (schedules) => schedules.map(toScheduleView),
    );
    const total = await countSchedules(reader, filter);
    const columns = scheduleColumns((time) => this.time(time));
    await this.showList({ schema: 'bursar.schedules/1', rows, total }, columns);
  }
}
