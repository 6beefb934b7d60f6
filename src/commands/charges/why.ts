// The whole story of one charge, with the rule behind each step.
import { Args, Flags } from '@oclif/core';
import { findCharge } from '../../charges/operations.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { findId } from '../../cli/find-id.ts';
import { rulesOf } from '../../cli/views/explain-view.ts';
import { whyDiagram } from '../../cli/views/why-diagram.ts';
import { sealColumns, sealsOf, type WhyView, whyLines, whyView } from '../../cli/views/why-view.ts';
import { readTrx } from '../../storage/trx.ts';

export default class ChargesWhy extends BaseCommand<typeof ChargesWhy> {
  static override summary = "Tell a charge's whole story in order, with the rule behind each step.";
  static override description =
    'Who made it and how, each attempt and what the provider said, which rule chose what came next, the postings, the events, and the seal that covers each row of the audit log; then where it stands and what can be done. All of it is read from the book; nothing is written or sent.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> "$(bursar charges list --limit 1 --format csv | tail -n 1 | cut -d , -f 1)"',
    '<%= config.bin %> <%= command.id %> "$(bursar charges list --limit 1 --format csv | tail -n 1 | cut -d , -f 1)" --diagram',
  ];
  static override args = { id: Args.string({ required: true, description: 'The charge, or the end of its id.' }) };
  static override flags = {
    diagram: Flags.boolean({ summary: 'As a Mermaid sequence diagram; with --json, as its field "diagram".' }),
  };

  async run(): Promise<WhyView> {
    const { why } = await import('../../inspection/why/why.ts');
    const app = await this.open();
    const id = await findId(app, 'charge', this.args.id, { money: false });
    const charge = await findCharge(await app.pipeline(), id);
    const story = await readTrx(app.book, (trx) => why(trx, charge, rulesOf(app)));
    const diagram = this.flags.diagram ? whyDiagram(story) : null;
    const view = whyView(story, diagram, this.flags);
    return this.show(view, async () => {
      if (diagram !== null) return void (await this.printLine(diagram.trimEnd()));
      for (const line of whyLines(view, (time) => this.time(time))) await this.printLine(line);
      const seals = sealsOf(view);
      if (seals.length > 0) await this.printLine();
      await this.printTable(seals, sealColumns);
    });
  }
}
