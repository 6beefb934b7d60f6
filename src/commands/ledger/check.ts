// bursar ledger check: recomputes what must always hold of a book, and names every row that does not.
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { checkLines } from '../../cli/show-check.ts';
import { EXIT } from '../../errors.ts';
import type { LedgerCheck as Result } from '../../inspection/ledger-check.ts';

export default class LedgerCheck extends BaseCommand<typeof LedgerCheck> {
  static override summary = 'Check the book: charges, attempts, refunds, postings, audit log.';
  static override description =
    'Every status and amount is recomputed from the attempts, every posting from the attempt that caused it, every hash from its row. Exits with 5 when anything disagrees. It reads one snapshot, so it can run at any time.';
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json'];
  static override flags = {
    deep: Flags.boolean({ summary: 'Also compare every index with its table, which takes several times as long.' }),
  };

  async run(): Promise<Result> {
    const { checkLedger } = await import('../../inspection/ledger-check.ts');
    const { readTrx } = await import('../../storage/trx.ts');
    const { book } = await this.open();
    const result = await readTrx(book, (trx) => checkLedger(trx, { deep: this.flags.deep }));
    if (!result.ok) this.exitWith(EXIT.integrity);
    return this.show(result, async (shown) => {
      for (const line of checkLines(shown, 'OK')) await this.printLine(line);
    });
  }
}
