// One attempt, with what the provider said.
import { Args } from '@oclif/core';
import { attemptsById } from '../../charges/attempts-store.ts';
import { proposedRefunds } from '../../charges/duplicates.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { findId } from '../../cli/find-id.ts';
import { proofViews } from '../../cli/proofs.ts';
import { type AttemptDetailView, attemptFields, toAttemptDetailView } from '../../cli/views/attempt-view.ts';
import { type ProofView, proofFields } from '../../cli/views/proof-view.ts';
import { SECOND_PAYMENT } from '../../cli/views/refund-view.ts';
import { assert } from '../../errors.ts';

interface AttemptDocument extends AttemptDetailView {
  schema: 'bursar.attempt/1';
  /** What was tried, and what comes next, while its outcome is unknown; null elsewhere. */
  proof: ProofView | null;
  /** The command that gives a second payment back; null where there is none to give back. */
  proposedCommand: string | null;
}

export default class AttemptsShow extends BaseCommand<typeof AttemptsShow> {
  static override summary = 'Show an attempt.';
  static override examples = [
    '<%= config.bin %> attempts show "$(bursar attempts list --limit 1 --format csv | tail -n 1 | cut -d , -f 1)"',
  ];
  static override args = { id: Args.string({ required: true, description: 'The attempt, or the end of its id.' }) };

  async run(): Promise<AttemptDocument> {
    const app = await this.open();
    const id = await findId(app, 'attempt', this.args.id, { money: false });
    const attempt = (await attemptsById(app.book.reader, [id])).get(id);
    assert(attempt !== undefined, `attempt ${id} was just found`);
    const document: AttemptDocument = {
      schema: 'bursar.attempt/1',
      ...toAttemptDetailView(attempt),
      proof: (await proofViews(app, [attempt])).get(id) ?? null,
      proposedCommand: (await proposedRefunds(app.book.reader, [attempt])).get(id) ?? null,
    };
    return this.show(document, async () => {
      const time = (value: string | null): string | null => this.time(value);
      await this.printFields([...attemptFields(document, time), ...proofFields(document.proof, time)]);
      if (document.proposedCommand === null) return;
      await this.printLine();
      await this.printLine(`${SECOND_PAYMENT} ${document.proposedCommand}`);
    });
  }
}
