// Makes a recurring or delayed payment.
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { requireKeyOnLive } from '../../cli/live-guard.ts';
import { tellPastPeriods } from '../../cli/past-periods.ts';
import { readScheduleFlags, recurrenceFlags } from '../../cli/schedule-input.ts';
import { type CreatedSchedule, scheduleFields, toScheduleDocument } from '../../cli/views/schedule-view.ts';
import { createSchedule, planSchedule } from '../../schedules/operations.ts';

const newestCustomer = `"$(bursar customers list --limit 1 --format csv | tail -n 1 | cut -d , -f 1)"`;

export default class SchedulesCreate extends BaseCommand<typeof SchedulesCreate> {
  static override summary = 'Create a recurring payment, or with --at one delayed charge.';
  static override description =
    'Nothing is charged by this: `billing run` charges each period when it is due. A month without the day of --on is billed on its last day; the first period is the first matching day on or after --start.';
  static override examples = [
    `<%= config.bin %> <%= command.id %> --customer ${newestCustomer} --amount 20.00 --currency USD --every "1 month" --on 31`,
    `<%= config.bin %> <%= command.id %> --customer ${newestCustomer} --amount 99.00 --currency EUR --at 2027-02-01T09:00 --timezone Europe/Paris --dry-run`,
  ];
  static override flags = {
    customer: Flags.string({ helpValue: 'ID', summary: 'Who pays.' }),
    amount: Flags.string({ helpValue: '20.00', summary: 'How much each time.' }),
    currency: Flags.string({ helpValue: 'USD', summary: 'ISO 4217 code.' }),
    ...recurrenceFlags,
    method: Flags.string({ helpValue: 'ID', summary: "Payment method. Default: the customer's only one." }),
    policy: Flags.string({ helpValue: 'NAME', default: 'standard', summary: 'When a failed charge is tried again.' }),
    description: Flags.string({ helpValue: 'TEXT', summary: 'What it is for.' }),
    metadata: Flags.string({
      helpValue: 'KEY=VALUE',
      multiple: true,
      multipleNonGreedy: true,
      summary: 'A note of your own; may be repeated.',
    }),
    'idempotency-key': Flags.string({
      helpValue: 'KEY',
      summary: 'Repeating the command with it creates nothing new.',
    }),
    'dry-run': Flags.boolean({ summary: 'Show what would be created; write nothing.' }),
  };

  async run(): Promise<CreatedSchedule> {
    const app = await this.open();
    const { asker, terminal } = this;
    const dryRun = this.flags['dry-run'];
    if (!dryRun) requireKeyOnLive(app, asker, this.flags['idempotency-key'] ?? null);
    const request = await readScheduleFlags(app, asker, this.flags);
    const planned = await planSchedule(app.charges, request);
    const how = { note: (text: string) => terminal.note(text), mayAsk: !dryRun };
    if (!planned.replayed) await tellPastPeriods(asker, planned.schedule, app.clock.nowMs(), how);
    const { schedule, replayed } = dryRun ? planned : await createSchedule(app.charges, request);
    if (dryRun) terminal.note('A dry run: nothing was written.\n');
    else if (replayed) terminal.note('The key was used before: this is what it created then.\n');
    const document = { ...toScheduleDocument(schedule), replayed, dryRun };
    return this.show(document, () => this.printFields(scheduleFields(document, schedule, (time) => this.time(time))));
  }
}
