// Why one charge will or won't be tried again.
import { Args } from '@oclif/core';
import { findCharge } from '../../charges/operations.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { findId } from '../../cli/find-id.ts';
import { explainFields, explainView, rulesOf, stepLines } from '../../cli/views/explain-view.ts';

export default class RetriesExplain extends BaseCommand<typeof RetriesExplain> {
  static override summary =
    'Explain why a charge will or will not be tried again, when, by which rule, and who can end it.';
  static override description =
    'The rule is the one that the charge was settled by; the tries that are left are counted as if each were declined softly. Nothing is written or sent.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> "$(bursar charges list --status failed,exhausted --limit 1 --format csv | tail -n 1 | cut -d , -f 1)"',
  ];
  static override args = { charge: Args.string({ required: true, description: 'The charge, or the end of its id.' }) };

  async run(): Promise<object> {
    const { explainCharge } = await import('../../inspection/explain-charge.ts');
    const app = await this.open();
    const id = await findId(app, 'charge', this.args.charge, { money: false });
    const charge = await findCharge(await app.pipeline(), id);
    const view = explainView(await explainCharge(app.book.reader, charge, rulesOf(app)), this.flags);
    return this.show(view, async () => {
      await this.printFields(explainFields(view, (time) => this.time(time)));
      for (const line of stepLines(view.next)) await this.printLine(line);
    });
  }
}
