// Whether the configuration can be worked with.
import { BaseCommand } from '../../cli/base-command.ts';
import { EXIT } from '../../errors.ts';

export default class ConfigCheck extends BaseCommand<typeof ConfigCheck> {
  static override summary = 'Validate the configuration, open every book it names, and check every gateway.';
  static override description = 'Status 7 when something is wrong. Nothing is written.';
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json'];

  async run(): Promise<object> {
    const [{ gatewaysOf }, { loadConfig }, { checkConfig }] = await Promise.all([
      import('../../app.ts'),
      import('../../config/load.ts'),
      import('../../inspection/check-config.ts'),
    ]);
    const where = { cwd: process.cwd(), env: process.env };
    const loaded = await loadConfig({ flag: this.flags.config, ...where, isStrict: true });
    const { books, gateways, findings } = await checkConfig(loaded, gatewaysOf(loaded), where);
    const ok = findings.length === 0;
    if (!ok) this.exitWith(EXIT.unavailable);
    const checked = { books: books.length, gateways: gateways.length };
    const data = { schema: 'bursar.config_check/1', ok, checked, findings, config: loaded.path, books, gateways };
    return this.show(data, async () => {
      await this.printLine(`Configuration  ${loaded.path ?? 'none; what holds without one'}`);
      await this.printTable(books, [
        { key: 'name', header: 'BOOK' },
        { key: 'mode' },
        { key: 'schemaVersion', header: 'SCHEMA' },
        { key: 'book', header: 'WHERE' },
      ]);
      await this.printTable(gateways, [{ key: 'name', header: 'GATEWAY' }, { key: 'type' }]);
      for (const { subject, message, command } of findings) {
        await this.printLine(`${subject}: ${message}${command === null ? '' : ` ${command}`}`);
      }
      if (ok) await this.printLine('Everything is in order.');
    });
  }
}
