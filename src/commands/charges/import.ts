// Takes charges over from a file.
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
import { CHARGE_IMPORT } from '../../imports/charge-rows.ts';

export default class ChargesImport extends BaseCommand<typeof ChargesImport> {
  static override summary = 'Import charges, their customers and payment methods from a CSV file.';
  static override description =
    `Nothing is sent by this: the charges are pending, and the next billing run collects those that are due. A row that is refused goes to the rejects file with its line and the reason, the others go in; a row whose reference is in the book already is passed over, so the same file again changes nothing and an import that was cut off goes on. Ends with 0 when every row is in, with 1 when some were rejected.

${columnsHelp(CHARGE_IMPORT.columns)}

A small file:
  reference,customer_reference,name,token,amount,currency
  invoice-7,c-7,Ada Lovelace,tok_approved,12.50,USD`;
  static override examples = [
    `<%= config.bin %> <%= command.id %> "$(printf '%s\\n' reference,customer_reference,name,token,amount,currency invoice-7,c-7,Ada,tok_approved,12.50,USD > charges.csv; echo charges.csv)" --dry-run`,
    `<%= config.bin %> <%= command.id %> "$(printf '%s\\n' reference,customer_reference,name,token,amount,currency invoice-7,c-7,Ada,tok_approved,12.50,USD > charges.csv; echo charges.csv)"`,
  ];
  static override args = importArgs;
  static override flags = importFlags;

  async run(): Promise<ImportDocument> {
    const { flags, asker } = this;
    const app = await this.open();
    const how = { app, asker, signal: this.interruptSignal, isSilent: this.jsonEnabled() };
    const { document, samples } = await importFlow(CHARGE_IMPORT, this.args.file, flags, how);
    this.exitWith(importExit(document));
    return this.show(document, async () => {
      await this.printFields(importFields(document));
      this.terminal.note(importNote(document, samples));
    });
  }
}
