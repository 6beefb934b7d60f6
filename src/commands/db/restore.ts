// Puts a backup in the place of the book.
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { confirm } from '../../cli/prompts.ts';

export default class DbRestore extends BaseCommand<typeof DbRestore> {
  static override summary = 'Put a backup in the place of the book, which is kept aside.';
  static override description =
    'The backup is checked first, against its manifest where there is one. What was sent after it was taken is not in it: the book is in quarantine, and sends nothing, until bursar reconcile run has adopted what the gateways know.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> "$(bursar db backup --json | grep \'"path"\' | cut -d \\" -f 4)" --force',
    '<%= config.bin %> <%= command.id %> "$(bursar db backup --json | grep \'"path"\' | cut -d \\" -f 4)" --book ./copy.db --json',
  ];
  static override args = { file: Args.string({ required: true, description: 'What bursar db backup made.' }) };
  static override flags = {
    force: Flags.boolean({ summary: 'Replace the book that stands there; it is kept aside.' }),
  };

  async run(): Promise<object> {
    const { restoreBook } = await import('../../restore-book.ts');
    const { book, config, force } = this.flags;
    const restored = await restoreBook({
      file: this.args.file,
      book,
      config,
      force,
      cwd: process.cwd(),
      env: process.env,
      confirm: (message) => confirm(this.asker, message),
    });
    if (!restored.verified) this.terminal.note('There is no manifest beside the backup: it was checked without one.\n');
    const next = restored.quarantined ? 'bursar reconcile run' : 'bursar doctor';
    return this.show({ schema: 'bursar.restore/1', ...restored, next }, () =>
      this.printFields([
        ['Book', restored.book],
        ['Id', `${restored.bookId} (${restored.mode})`],
        ['Restored from', restored.from],
        ['Taken at', this.time(restored.takenAt)],
        ['Kept aside', restored.keptAside],
        ...(restored.migratedFrom === null ? [] : [['Migrated from', `schema ${restored.migratedFrom}`] as const]),
        ['Quarantined', restored.quarantined],
        ['Next', next],
      ]),
    );
  }
}
