// A checked copy of the book, while others go on working.
import { Flags } from '@oclif/core';
import { schemaVersion as programVersion } from '../../../migrations/versions.ts';
import { BaseCommand } from '../../cli/base-command.ts';

export default class DbBackup extends BaseCommand<typeof DbBackup> {
  static override summary = 'Copy the book to a file, consistent and checked, while others go on working.';
  static override description =
    'A manifest with the digest of the copy stands beside it as FILE.manifest.json. Keep both on another disk. `bursar db restore` puts a backup back.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --out nightly.db --force --json',
  ];
  static override flags = {
    out: Flags.string({ helpValue: 'FILE', summary: 'Where to. Default: book-<UTC time>.db beside the book.' }),
    force: Flags.boolean({ summary: 'Replace files that exist.' }),
  };

  async run(): Promise<object> {
    const { backUpBook, manifestPath } = await import('../../back-up-book.ts');
    const { out, force } = this.flags;
    const app = await this.open({ allowOlder: true });
    const { path, manifest } = await backUpBook(app, { out: out ?? null, force, cwd: process.cwd() });
    if (manifest.schemaVersion < programVersion) {
      this.terminal.note(
        `The book has an older schema (${manifest.schemaVersion}): the backup stands in no audit log.\n`,
      );
    }
    const data = { ...manifest, path, manifest: manifestPath(path) };
    return this.show(data, () =>
      this.printFields([
        ['Backup', path],
        ['Manifest', data.manifest],
        ['Bytes', manifest.bytes],
        ['SHA-256', manifest.sha256],
        ['Book', `${manifest.bookId} (${manifest.mode})`],
        ['Schema', manifest.schemaVersion],
        ['Taken at', this.time(manifest.at)],
      ]),
    );
  }
}
