// Adopts what the gateways executed and the book doesn't know.
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { confirmOnLive } from '../../cli/live-guard.ts';
import { isoTime } from '../../cli/time-format.ts';
import { parseTime } from '../../cli/time-input.ts';

export default class ReconcileRun extends BaseCommand<typeof ReconcileRun> {
  static override summary = "Adopt what the gateways' own records tell and the book doesn't know; ends a quarantine.";
  static override description =
    `Reads from where the book's own knowledge ends, a day and the provider's lag before its newest attempt. What can be told from a charge or a schedule is booked there; any other money is posted against assets:suspense. Sends nothing. A second time it changes nothing.`;
  static override examples = [
    '<%= config.bin %> <%= command.id %> --dry-run',
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --gateway simulated --since 2027-01-01 --json',
  ];
  static override flags = {
    gateway: Flags.string({ multiple: true, helpValue: 'NAME', summary: 'Only this gateway; may be given again.' }),
    since: Flags.string({
      helpValue: 'TIME',
      summary: 'From this time on. A later one than by default ends no quarantine.',
    }),
    'dry-run': Flags.boolean({ summary: 'Tell what would be adopted, write nothing.' }),
  };

  async run(): Promise<object> {
    const { reconcile } = await import('../../reconciliation/reconcile-run.ts');
    const app = await this.open();
    const { gateway, since, 'dry-run': dryRun } = this.flags;
    for (const name of gateway ?? []) app.assertGateway(name);
    const sinceMs = since === undefined ? null : await parseTime('--since', since, app.timezone);
    if (!dryRun) await confirmOnLive(app, this.asker, () => `Adopt what the gateways know into ${app.book.where}?`);
    const gateways = gateway === undefined ? null : [...new Set(gateway)];
    const result = await reconcile(app.charges, { gateways, sinceMs, dryRun });
    const { quarantine, waitsFor, readAgainAt } = result;
    if (dryRun) this.terminal.note('Dry run: nothing was written.\n');
    else if (quarantine.lifted) this.terminal.note('The quarantine is over: sending goes on.\n');
    else if (quarantine.held) this.terminal.note(`The quarantine still waits for: ${waitsFor.join(', ')}.\n`);
    if (readAgainAt !== null && !quarantine.lifted) {
      const from = this.time(readAgainAt);
      this.terminal.note(`What was sent last may not show before ${from}: then run it again.\n`);
    }
    const data = {
      schema: 'bursar.reconcile_run/1',
      gateways: result.gateways.map((each) => ({ ...each, since: isoTime(each.since) })),
      quarantine,
      waitsFor,
      readAgainAt: readAgainAt === null ? null : isoTime(readAgainAt),
      dryRun,
    };
    return this.show(data, async () => {
      await this.printTable(result.gateways, [
        { key: 'gateway' },
        { key: 'since', cell: (each) => this.time(each.since) },
        { key: 'listed', align: 'right' },
        { key: 'known', align: 'right' },
        { key: 'adopted', align: 'right' },
        { key: 'settled', align: 'right' },
        { key: 'suspense', align: 'right' },
        { key: 'ignored', align: 'right' },
      ]);
      if (result.gateways.length === 0)
        await this.printLine('The book uses no gateway yet: there is nothing to adopt.');
      if (quarantine.reason !== null) await this.printLine(`Quarantine: ${quarantine.reason}.`);
    });
  }
}
