// bursar audit head: the newest seal. Kept elsewhere, its hash shows later that nothing before it was changed or cut off.
import { lastSeal } from '../../audit/audit-store.ts';
import { toHead } from '../../audit/head.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { headFields } from '../../cli/views/audit-view.ts';
import { BursarError } from '../../errors.ts';

export default class AuditHead extends BaseCommand<typeof AuditHead> {
  static override summary = 'Print the newest seal, to be kept elsewhere.';
  static override description =
    'Later, bursar audit verify --head HASH shows that the log still holds all that was sealed by then. Refused (not_found) for a book without a seal, so that no script keeps an empty one.';
  static override examples = ['<%= config.bin %> <%= command.id %> --json'];

  async run(): Promise<object> {
    const { book } = await this.open();
    const seal = await lastSeal(book.reader);
    if (seal === null) {
      throw new BursarError('not_found', 'This book has no seal yet.', { hint: 'Make one with: bursar audit seal' });
    }
    const head = toHead(seal);
    return this.show({ schema: 'bursar.head/1', ...head }, () =>
      this.printFields(headFields(head, (time) => this.time(time))),
    );
  }
}
