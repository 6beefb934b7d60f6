// Takes schedules over from another system.
import { BaseCommand } from '../../cli/base-command.ts';
import {
  columnsHelp,
  type ImportDocument,
  importArgs,
  importExit,
  importFields,
  importFlags,
  importFlow,
  importNote,
} from '../../cli/import-flow.ts';
import { SCHEDULE_IMPORT } from '../../imports/schedule-rows.ts';

export default class SchedulesImport extends BaseCommand<typeof SchedulesImport> {
  static override summary = 'Import schedules, their customers and payment methods from a CSV file.';
  static override description =
    `Nothing is charged by this. No period that begins on or before paid_through is ever billed: the first period is the first after it, counted from start. A row that is refused goes to the rejects file with its line and the reason, the others go in; a row whose reference is in the book already is passed over, so the same file again changes nothing and an import that was cut off goes on. Ends with 0 when every row is in, with 1 when some were rejected.

${columnsHelp(SCHEDULE_IMPORT.columns)}

A small file:
  reference,paid_through,customer_reference,name,token,amount,currency,every,start
  sub-1,2027-01-31,c-1,Ada Lovelace,tok_approved,20.00,USD,1 month,2025-01-31`;
  static override examples = [
    `<%= config.bin %> <%= command.id %> "$(printf '%s\\n' reference,paid_through,customer_reference,name,token,amount,currency,every,start sub-7,2027-01-31,c-7,Ada,tok_approved,12.50,USD,month,2027-01-01 > subs.csv; echo subs.csv)" --dry-run`,
    `<%= config.bin %> <%= command.id %> "$(printf '%s\\n' reference,paid_through,customer_reference,name,token,amount,currency,every,start sub-7,2027-01-31,c-7,Ada,tok_approved,12.50,USD,month,2027-01-01 > subs.csv; echo subs.csv)"`,
  ];
  static override args = importArgs;
  static override flags = importFlags;

  async run(): Promise<ImportDocument> {
    const { flags, asker } = this;
    const app = await this.open();
    const how = { app, asker, signal: this.interruptSignal, isSilent: this.jsonEnabled() };
    const { document, samples } = await importFlow(SCHEDULE_IMPORT, this.args.file, flags, how);
    this.exitWith(importExit(document));
    return this.show(document, async () => {
      await this.printFields(importFields(document));
      this.terminal.note(importNote(document, samples));
    });
  }
}
