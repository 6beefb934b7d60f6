// What each account holds.
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { listFlags } from '../../cli/flags.ts';
import { oneLine } from '../../cli/text.ts';
import { balanceColumns, toBalanceView } from '../../cli/views/ledger-view.ts';
import { balances } from '../../ledger/balances.ts';

export default class LedgerBalances extends BaseCommand<typeof LedgerBalances> {
  static override summary = "Show what each account holds, on the account's normal side.";
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --account assets:gateway:simulated --json',
  ];
  static override flags = {
    account: Flags.string({ helpValue: 'NAME', summary: 'Only this account, in every currency.' }),
    ...listFlags,
  };

  async run(): Promise<void> {
    const app = await this.open();
    const { account } = this.flags;
    const all = await balances(app.book.reader);
    const rows = all.filter((balance) => account === undefined || balance.account === account).map(toBalanceView);
    if (account !== undefined && rows.length === 0) {
      this.terminal.note(`There is no account "${oneLine(account)}". See what there is: bursar ledger accounts\n`);
    }
    await this.showList({ schema: 'bursar.balances/1', rows, total: rows.length }, balanceColumns);
  }
}
