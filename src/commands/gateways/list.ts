// The gateways that are configured, and what each can do.
import { pauseFor, pauses } from '../../charges/pauses-store.ts';
import { BaseCommand } from '../../cli/base-command.ts';
import type { Column } from '../../cli/columns.ts';
import { listFlags } from '../../cli/flags.ts';
import type { Capabilities } from '../../gateways/gateway.ts';

interface GatewayView {
  name: string;
  type: string;
  /** By the kill switch. */
  paused: boolean;
  capabilities: (Omit<Capabilities, 'minimumMinor'> & { minimumMinor: string }) | null;
}

export default class GatewaysList extends BaseCommand<typeof GatewaysList> {
  static override summary = 'List the configured gateways and what they can do.';
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json'];
  static override flags = listFlags;

  async run(): Promise<void> {
    const app = await this.open();
    const standing = await pauses(app.book.reader);
    const rows = await Promise.all(
      Object.entries(app.gatewayConfigs).map(async ([name, { type }]): Promise<GatewayView> => {
        // A live book may still have a simulated gateway in its configuration; it just can't be used.
        const isUsable = !(app.book.mode === 'live' && type === 'simulated');
        const paused = pauseFor(standing, name) !== undefined;
        return { name, type, paused, capabilities: isUsable ? viewOf((await app.gateway(name)).capabilities) : null };
      }),
    );
    await this.showList({ schema: 'bursar.gateways/1', rows, total: rows.length }, columns);
  }
}

const columns: readonly Column<GatewayView>[] = [
  { key: 'name' },
  { key: 'type' },
  { key: 'paused' },
  { key: 'usable', cell: ({ capabilities }) => capabilities !== null },
  { key: 'paymentObject', cell: ({ capabilities }) => capabilities?.paymentObject },
  { key: 'partialCapture', cell: ({ capabilities }) => capabilities?.partialCapture },
  { key: 'keyRetention', cell: ({ capabilities }) => hours(capabilities?.keyRetentionMs) },
  { key: 'currencies', cell: ({ capabilities }) => capabilities && (capabilities.currencies?.join(' ') ?? 'all') },
  { key: 'concurrency', cell: ({ capabilities }) => capabilities?.maxConcurrency, align: 'right' },
  { key: 'capabilities', inTable: false },
];

function viewOf(capabilities: Capabilities): GatewayView['capabilities'] {
  return { ...capabilities, minimumMinor: capabilities.minimumMinor.toString() };
}

function hours(durationMs: number | null | undefined): string | null {
  return durationMs === null || durationMs === undefined ? null : `${durationMs / 3_600_000} h`;
}
