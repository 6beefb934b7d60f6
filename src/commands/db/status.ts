// Which schema a book has, and what this program would still do to it.
import { BaseCommand } from '../../cli/base-command.ts';
import { toStatusView } from '../../cli/views/db-view.ts';

export default class DbStatus extends BaseCommand<typeof DbStatus> {
  static override summary = "Show the book's schema, this program's, and the migrations in between.";
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json'];

  async run(): Promise<object> {
    const { book } = await this.open({ allowOlder: true });
    const view = await toStatusView(book);
    return this.show({ schema: 'bursar.db_status/1', ...view }, () =>
      this.printFields([
        ['Book', book.where],
        ['Mode', view.mode],
        ['Driver', view.driver],
        ['Schema', view.schemaVersion],
        ['This program', view.programVersion],
        ['Pending', view.pending.length === 0 ? 'nothing' : view.pending.join(', ')],
      ]),
    );
  }
}
