// bursar audit export: the audit log, or a part of it, as a file that proves itself together with its manifest.
import { Flags } from '@oclif/core';
import type { ExportOptions, ExportResult } from '../../audit/export.ts';
import { auditFilterFlags, noteUnknownNames, readAuditFilter } from '../../cli/audit-filter.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { exportFields } from '../../cli/views/audit-view.ts';
import { BursarError } from '../../errors.ts';

const FORMATS = ['csv', 'ndjson'] as const;

export default class AuditExport extends BaseCommand<typeof AuditExport> {
  static override summary = 'Export the audit log with a manifest that proves it.';
  static override description =
    `The manifest stands beside the file as FILE.manifest.json. Rows that were not sealed yet are sealed first; the export's own audit row comes after. Totals count the exported rows that tell of money moved: approved sales and captures, approved refunds, second approvals.`;
  static override examples = [
    '<%= config.bin %> <%= command.id %> --out log.csv',
    '<%= config.bin %> <%= command.id %> --since 2027-01-01 --until 2027-02-01 --kind refund --out refunds.csv --force',
    '<%= config.bin %> <%= command.id %> --format ndjson --out - --manifest audit.manifest.json | gzip > audit.gz',
  ];
  static override flags = {
    out: Flags.string({ required: true, helpValue: 'FILE', summary: 'Where to; - is stdout.' }),
    manifest: Flags.string({ helpValue: 'FILE', summary: 'Where the manifest goes. Default: beside the file.' }),
    format: Flags.option({ options: FORMATS, summary: 'Of the file.', default: 'csv' as const })({
      helpValue: FORMATS.join('|'),
    }),
    force: Flags.boolean({ summary: 'Replace files that exist.' }),
    ...auditFilterFlags,
  };

  async run(): Promise<ExportResult> {
    const { exportAudit } = await import('../../audit/export.ts');
    const options = await this.#options();
    const app = await this.open();
    const filter = await readAuditFilter(app, this.flags);
    const { where } = app.book;
    const own = [where, `${where}-wal`, `${where}-shm`, app.bankPath, app.config.path];
    const forbidden = own.filter((path) => path !== null);
    const { book, clock, author } = app;
    const result = await exportAudit({ book, clock, author, forbidden }, { ...options, filter });
    if (result.rows === 0) {
      this.terminal.note('No row of the audit log is so: the file has none.\n');
      await noteUnknownNames(app, filter, (text) => this.terminal.note(text));
    }
    if (result.file !== null) return this.show(result, (shown) => this.printFields(exportFields(shown)));
    if (result.manifest === null)
      this.terminal.note('No manifest was kept, so the rows can not be verified: name one with --manifest.\n');
    return result;
  }

  async #options(): Promise<Omit<ExportOptions, 'filter'>> {
    const { writeStdout } = await import('../../cli/stdout-bytes.ts');
    const { out, manifest, format, force } = this.flags;
    const isStdout = out === '-';
    if (isStdout && this.jsonEnabled()) {
      throw new BursarError(
        'usage',
        '--json prints the result on stdout, where --out - puts the rows. Nothing was exported.',
      );
    }
    return {
      out: isStdout ? null : out,
      manifest: manifest ?? (isStdout ? null : `${out}.manifest.json`),
      stdout: writeStdout,
      format,
      force,
      signal: this.interruptSignal,
    };
  }
}
