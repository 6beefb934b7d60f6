// bursar audit list: who did what, newest first.
import { auditPage, countAuditRows, hasAuditRow } from '../../audit/audit-rows-store.ts';
import type { AuditRow } from '../../audit/audit-store.ts';
import { auditFilterFlags, noteUnknownNames, readAuditFilter } from '../../cli/audit-filter.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { listFlags } from '../../cli/flags.ts';
import { pages } from '../../cli/pages.ts';
import { auditColumns, auditRowView } from '../../cli/views/audit-view.ts';

export default class AuditList extends BaseCommand<typeof AuditList> {
  static override summary = 'List who did what, newest first.';
  static override description = 'For a file that can be verified use bursar audit export.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --since 2027-01-01 --kind refund',
    '<%= config.bin %> <%= command.id %> --status captured --format ndjson',
  ];
  static override flags = { ...auditFilterFlags, ...listFlags };

  async run(): Promise<void> {
    const app = await this.open();
    const { reader } = app.book;
    const filter = await readAuditFilter(app, this.flags);
    const rows = pages((limit, before: AuditRow | undefined) => auditPage(reader, filter, limit, before), auditRowView);
    const total = await countAuditRows(reader, filter);
    const isEmpty = total === 0 || (total === null && !(await hasAuditRow(reader, filter)));
    if (isEmpty) await noteUnknownNames(app, filter, (text) => this.terminal.note(text));
    await this.showList(
      { schema: 'bursar.audit/1', rows, total },
      auditColumns((time) => this.time(time)),
    );
  }
}
