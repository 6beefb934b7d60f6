// The chart of accounts, as far as it has been used.
import { BaseCommand } from '../../cli/base-command.ts';
import { listFlags } from '../../cli/flags.ts';
import { listAccounts } from '../../ledger/ledger-store.ts';

export default class LedgerAccounts extends BaseCommand<typeof LedgerAccounts> {
  static override summary = 'List the accounts of the ledger; one is opened when it is first used.';
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json'];
  static override flags = listFlags;

  async run(): Promise<void> {
    const app = await this.open();
    const accounts = await listAccounts(app.book.reader);
    const rows = accounts.map(({ name, currency, normalSide }) => ({ account: name, currency, normalSide }));
    await this.showList({ schema: 'bursar.accounts/1', rows, total: rows.length }, [
      { key: 'account' },
      { key: 'currency' },
      { key: 'normalSide', header: 'SIDE' },
    ]);
  }
}
