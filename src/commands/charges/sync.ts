// Asks the gateways what became of charges, and records what changed.
import { Args, Flags } from '@oclif/core';
import { type Synced, syncCharges } from '../../charges/sync.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import { findId } from '../../cli/find-id.ts';
import { counted } from '../../cli/text.ts';
import { changedColumns, type SyncDocument, toSyncDocument } from '../../cli/views/sync-view.ts';
import { BursarError, EXIT } from '../../errors.ts';

export default class ChargesSync extends BaseCommand<typeof ChargesSync> {
  static override summary = 'Ask the gateways what became of charges, and record what changed.';
  static override description =
    'Moves no money. With ids it asks about all that may have come out otherwise: open attempts, failed ones that may have succeeded late, refunds that may have failed late. With --all-open it asks about every open attempt, and every refund that succeeded within the last 30 days. Ends with 4 while something is open or was not answered.';
  static override examples = [
    '<%= config.bin %> charges sync --all-open',
    '<%= config.bin %> charges sync "$(bursar charges list --limit 1 --format csv | tail -n 1 | cut -d , -f 1)"',
  ];
  static override args = { id: Args.string({ multiple: true, description: 'The charges.' }) };
  static override flags = {
    'all-open': Flags.boolean({ default: false, summary: 'All that is open, and recent refunds; the default.' }),
  };

  async run(): Promise<SyncDocument> {
    const app = await this.open();
    const typed = this.args.id ?? [];
    if (typed.length > 0 && this.flags['all-open']) {
      throw new BursarError('usage', 'Charges and --all-open were given. Nothing was asked.', {
        hint: 'Give one or the other.',
      });
    }
    const ids: string[] = [];
    for (const text of typed) ids.push(await findId(app, 'charge', text, { money: false }));
    const synced = await syncCharges(await app.pipeline(), ids.length === 0 ? null : [...new Set(ids)]);
    if (synced.open.length + synced.unanswered.length > 0) this.exitWith(EXIT.pending);
    const document = toSyncDocument(synced);
    return this.show(document, () => this.#print(document, synced));
  }

  async #print(document: SyncDocument, { asked, changed, open, unanswered }: Synced): Promise<void> {
    await this.printTable(document.changed, changedColumns());
    for (const { attempt, reason } of unanswered) {
      this.terminal.note(`${attempt.gateway} did not answer about ${attempt.id}: ${reason}\n`);
    }
    const left = open.length === 0 ? '' : `, ${open.length} open still`;
    this.terminal.note(`Asked about ${counted(asked, 'attempt')}: ${changed.length} changed${left}.\n`);
  }
}
