// What a schedule comes to next, on its own clock and in UTC.
import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { findId } from '../../cli/find-id.ts';
import { formatFlag, listRange, wholeNumber } from '../../cli/flags.ts';
import { LIST_FORMATS, printList } from '../../cli/output.ts';
import { pastPeriods } from '../../cli/past-periods.ts';
import { periodColumns, toPeriodViews, totalText } from '../../cli/views/schedule-view.ts';
import { findSchedule, previewSchedule } from '../../schedules/operations.ts';

const MOST_PERIODS = 1000;

export default class SchedulesPreview extends BaseCommand<typeof SchedulesPreview> {
  static override summary = 'Show when a schedule falls due next, and the total.';
  static override description =
    'Begins with the first period that no run has billed, nor would skip now. A cancelled or completed schedule has none.';
  static override examples = [
    `<%= config.bin %> <%= command.id %> --next 24 "$(bursar schedules list --limit 1 --format csv | tail -n 1 | cut -d , -f 1)"`,
  ];
  static override args = { id: Args.string({ required: true, description: 'The schedule.' }) };
  static override flags = {
    next: wholeNumber({ min: 1, max: MOST_PERIODS, default: 12, summary: 'How many periods.' }),
    format: formatFlag({ helpValue: LIST_FORMATS.join('|') }),
  };

  async run(): Promise<void> {
    const app = await this.open();
    const { format } = listRange({ ...this.flags, all: true });
    const schedule = await findSchedule(app.charges, await findId(app, 'schedule', this.args.id, { money: false }));
    const past = schedule.status === 'active' ? pastPeriods(schedule, app.clock.nowMs()) : null;
    const periods = toPeriodViews(schedule, previewSchedule(schedule, this.flags.next, past?.skipped));
    const options = { schema: 'bursar.periods/1', format, limit: null, total: periods.length };
    await printList(periods, periodColumns(schedule.recurrence.timezone), options, this.terminal);
    if (past !== null) this.terminal.note(`${past.notice}\n`);
    if (format === 'table' && periods.length > 0) await this.printLine(totalText(schedule, periods.length));
  }
}
