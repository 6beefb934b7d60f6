// One charge with its attempts, refunds and journal entries.
import { Args } from '@oclif/core';
import { findCharge } from '../../charges/operations.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { shownDocument } from '../../cli/charge-documents.ts';
import { findId } from '../../cli/find-id.ts';
import { attemptColumns } from '../../cli/views/attempt-view.ts';
import { chargeFields, type ShownDocument } from '../../cli/views/charge-view.ts';
import { refundColumns, SECOND_PAYMENT } from '../../cli/views/refund-view.ts';

export default class ChargesShow extends BaseCommand<typeof ChargesShow> {
  static override summary = 'Show a charge: its attempts, refunds and journal entries.';
  static override examples = [
    '<%= config.bin %> charges show "$(bursar charges list --limit 1 --format csv | tail -n 1 | cut -d , -f 1)"',
  ];
  static override args = { id: Args.string({ required: true, description: 'The charge, or the end of its id.' }) };

  async run(): Promise<ShownDocument> {
    const app = await this.open();
    const id = await findId(app, 'charge', this.args.id, { money: false });
    const document = await shownDocument(app, await findCharge(await app.pipeline(), id));
    return this.show(document, () => this.#print(document));
  }

  async #print(document: ShownDocument): Promise<void> {
    const time = (value: string | null): string | null => this.time(value);
    await this.printFields([
      ...chargeFields(document, time),
      ...document.entryIds.map((id): [string, string] => ['Journal entry', id]),
    ]);
    if (document.attempts.length > 0) await this.printLine();
    await this.printTable(document.attempts, attemptColumns(time));
    if (document.refunds.length > 0) await this.printLine();
    await this.printTable(document.refunds, refundColumns(document.currency));
    if (document.proposedCommands.length > 0) await this.printLine();
    for (const command of document.proposedCommands) await this.printLine(`${SECOND_PAYMENT} ${command}`);
  }
}
