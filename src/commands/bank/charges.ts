// What the simulated bank executed, as its own records tell it.
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { listFlags } from '../../cli/flags.ts';
import { writeJsonStream } from '../../cli/json-stream.ts';
import { bankChargeColumns, countOf, toBankChargeViews } from '../../cli/views/bank-charge-view.ts';
import { BursarError } from '../../errors.ts';

export default class BankCharges extends BaseCommand<typeof BankCharges> {
  static override summary = 'List what the simulated bank executed, oldest first, as its own records tell it.';
  static override description = 'With --json everything is printed, unless --limit is given.';
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json'];
  static override flags = {
    gateway: Flags.string({
      helpValue: 'NAME',
      default: 'simulated',
      summary: 'The simulated gateway whose bank it is.',
    }),
    ...listFlags,
  };

  async run(): Promise<void> {
    const app = await this.open();
    const { gateway, json, format, limit } = this.flags;
    const settings = app.assertGateway(gateway);
    if (settings.type !== 'simulated' || app.book.mode === 'live') {
      throw new BursarError(
        'gateway_refused',
        `The book has no simulated bank behind "${gateway}". Nothing was read.`,
        {
          hint: 'Only test books have a simulated bank.',
        },
      );
    }
    const { openBankCharges } = await import('../../gateways/simulated/bank-charges.ts');
    const bank = await this.opened(openBankCharges({ path: app.bankPath, clock: app.clock, config: settings }));
    const rows = toBankChargeViews(bank.lines());
    if (json || format === 'json') {
      const head = { schema: 'bursar.bank_charges/1', seed: bank.seed };
      await writeJsonStream(this.terminal, head, 'charges', rows, limit ?? null);
      return;
    }
    const columns = bankChargeColumns((time) => this.time(time));
    await this.showList({ schema: 'bursar.bank_charges/1', rows, total: await countOf(bank.lines()) }, columns);
  }
}
