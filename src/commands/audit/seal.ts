// bursar audit seal: seals what no seal holds yet, as every command that writes does at its end.
import { toHead } from '../../audit/head.ts';
import { sealPending } from '../../audit/seal.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { headFields, NO_HEAD } from '../../cli/views/audit-view.ts';

export default class AuditSeal extends BaseCommand<typeof AuditSeal> {
  static override summary = 'Seal the audit rows that no seal holds yet.';
  static override description =
    'Every command that writes does this at its end; it is needed after one that was killed.';
  static override examples = ['<%= config.bin %> <%= command.id %>'];

  async run(): Promise<object> {
    const { book, clock } = await this.open();
    const { sealed, head } = await sealPending(book, clock);
    const shown = head === null ? NO_HEAD : toHead(head);
    return this.show({ schema: 'bursar.seal/1', ...shown, sealed }, async () => {
      const fields = head === null ? [] : headFields(toHead(head), (time) => this.time(time));
      await this.printFields([['Sealed now', sealed], ...fields]);
    });
  }
}
