// One attempt, with what the provider said.
import { Args } from '@oclif/core';
import { attemptsById } from '../../charges/attempts-store.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { findId } from '../../cli/find-id.ts';
import { type AttemptDetailView, attemptFields, toAttemptDetailView } from '../../cli/views/attempt-view.ts';
import { assert } from '../../errors.ts';

export default class AttemptsShow extends BaseCommand<typeof AttemptsShow> {
  static override summary = 'Show an attempt.';
  static override examples = [
    '<%= config.bin %> attempts show "$(bursar attempts list --limit 1 --format csv | tail -n 1 | cut -d , -f 1)"',
  ];
  static override args = { id: Args.string({ required: true, description: 'The attempt, or the end of its id.' }) };

  async run(): Promise<{ schema: 'bursar.attempt/1' } & AttemptDetailView> {
    const app = await this.open();
    const id = await findId(app, 'attempt', this.args.id, { money: false });
    const attempt = (await attemptsById(app.book.reader, [id])).get(id);
    assert(attempt !== undefined, `attempt ${id} was just found`);
    const document = { schema: 'bursar.attempt/1' as const, ...toAttemptDetailView(attempt) };
    return this.show(document, () => this.printFields(attemptFields(document, (time) => this.time(time))));
  }
}
