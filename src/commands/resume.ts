// Ends a pause.
import { Flags } from '@oclif/core';
import { resume } from '../charges/pause.ts';
import { EVERY_GATEWAY, type Pause, pauses } from '../charges/pauses-store.ts';
import { reasonOf } from '../cli/ask-reason.ts';
import { BaseCommand } from '../cli/base-command.ts';
import { isoTime } from '../cli/time-format.ts';

export default class ResumeCommand extends BaseCommand<typeof ResumeCommand> {
  static override summary = 'End a pause: sending goes on.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --reason "fixed in release 42"',
    '<%= config.bin %> <%= command.id %> --gateway simulated --reason "provider is back"',
  ];
  static override flags = {
    gateway: Flags.string({ helpValue: 'NAME', summary: 'Only the pause of this gateway. Default: the one of all.' }),
    reason: Flags.string({ summary: 'Why, for the audit log.' }),
  };

  async run(): Promise<object> {
    const app = await this.open();
    const { gateway } = this.flags;
    const standing = await pauses(app.book.reader);
    // A gateway that is configured no more may still be paused.
    if (gateway !== undefined && !standing.some(({ scope }) => scope === gateway)) app.assertGateway(gateway);
    const reason = await reasonOf(this.asker, this.flags.reason);
    const scope = gateway ?? EVERY_GATEWAY;
    const { lifted, left, heldBy } = await resume(app, scope, reason);
    if (lifted === null) this.terminal.note('It was not paused; nothing was changed.\n');
    for (const each of left) this.terminal.note(`Still paused: ${describe(each)}\n`);
    const paused = heldBy !== null;
    const since = heldBy === null ? null : isoTime(heldBy.since);
    const data = { schema: 'bursar.pause/1', scope, paused, reason: heldBy?.reason ?? reason, since };
    return this.show(data, () =>
      this.printFields([
        ['Scope', nameOf(scope)],
        ['Paused', paused],
        ['Reason', data.reason],
      ]),
    );
  }
}

function nameOf(scope: string): string {
  return scope === EVERY_GATEWAY ? 'every gateway' : scope;
}

function describe({ scope, reason, actor }: Pause): string {
  return `${nameOf(scope)} (${reason}, by ${actor})`;
}
