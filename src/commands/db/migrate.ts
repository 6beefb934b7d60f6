// Brings a book of an older bursar to the schema of this one.
import { BaseCommand } from '../../cli/base-command.ts';
import { confirm } from '../../cli/prompts.ts';
import { toStatusView } from '../../cli/views/db-view.ts';
import { upgradeBook } from '../../upgrade-book.ts';

export default class DbMigrate extends BaseCommand<typeof DbMigrate> {
  static override summary = "Bring the book to this program's schema, all of it or nothing. Back a live book up first.";
  static override examples = ['<%= config.bin %> <%= command.id %>'];

  async run(): Promise<object> {
    const app = await this.open({ allowOlder: true });
    const before = await toStatusView(app.book);
    const count = before.pending.length;
    // There is no way back but a backup.
    if (count > 0 && before.mode === 'live') {
      await confirm(this.asker, `Change the schema of ${app.book.where} for good (${count} migrations)?`);
    }
    const migrated = count === 0 ? [] : await upgradeBook(app);
    const after = { ...before, pending: [], schemaVersion: before.programVersion };
    return this.show({ schema: 'bursar.db_migrate/1', ...after, migrated }, async () => {
      if (migrated.length === 0) await this.printLine(`Nothing to do: the book has schema ${after.schemaVersion}.`);
      else
        await this.printLine(
          `Migrated from schema ${before.schemaVersion} to ${after.schemaVersion}: ${migrated.join(', ')}.`,
        );
    });
  }
}
