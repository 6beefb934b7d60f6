// The configuration in force.
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';

export default class ConfigShow extends BaseCommand<typeof ConfigShow> {
  static override summary = 'Show every setting in force.';
  static override description =
    'Settings come from flags, BURSAR_CONFIG, BURSAR_BOOK, BURSAR_ACTOR and BURSAR_BUSY_TIMEOUT_MS (how long to wait for a locked book), the file, or what holds without any of them, in this order.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --origin',
    '<%= config.bin %> <%= command.id %> --json',
  ];
  static override flags = { origin: Flags.boolean({ summary: 'Say where each one comes from.' }) };

  async run(): Promise<object> {
    const [{ gatewaysOf }, { loadConfig }, { settingsInForce }] = await Promise.all([
      import('../../app.ts'),
      import('../../config/load.ts'),
      import('../../inspection/settings.ts'),
    ]);
    const where = { cwd: process.cwd(), env: process.env };
    const { book, config, origin } = this.flags;
    const loaded = await loadConfig({ flag: config, ...where });
    const settings = settingsInForce({ loaded, gatewayConfigs: gatewaysOf(loaded), flags: { book, config }, ...where });
    return this.show({ schema: 'bursar.config/1', config: loaded.path, settings }, () =>
      this.printTable(settings, [
        { key: 'key', header: 'SETTING' },
        { key: 'value', cell: ({ value }) => (typeof value === 'number' ? String(value) : value) },
        { key: 'origin', inTable: origin },
      ]),
    );
  }
}
