// The simulated bank as a process of its own, reached over HTTP as a real provider is.
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { wholeNumber } from '../../cli/flags.ts';

export default class BankServe extends BaseCommand<typeof BankServe> {
  static override summary = 'Serve the simulated bank over HTTP, until it is stopped by Ctrl-C or SIGTERM.';
  static override description =
    'A simulated gateway with "url": "http://127.0.0.1:8480" in the configuration charges there. The terms of the bank (latencyMs, rateLimitPerSecond, seed, listLagMs, keyRetentionMs, clockOffsetMs) are those of the gateway; the bank itself asks for no credentials and knows only play money. Its faulty tokens break their answers on the wire: a closed socket, a garbled body, no answer at all. With --json one line tells where it listens.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --port 0 --file ./bank.db --json',
    '<%= config.bin %> <%= command.id %> --file :memory: --latency-ms 50 --rate-limit 100',
  ];
  static override flags = {
    gateway: Flags.string({
      helpValue: 'NAME',
      default: 'simulated',
      summary: 'The simulated gateway whose bank it is.',
    }),
    file: Flags.string({
      helpValue: 'FILE',
      summary: "The bank's own file, or :memory: for a bank that is gone with it. Default: the one beside the book.",
    }),
    host: Flags.string({ helpValue: 'ADDRESS', summary: "Where to listen. Default: the gateway's url, or 127.0.0.1." }),
    port: wholeNumber({ max: 65_535, summary: "0 for any that is free. Default: that of the gateway's url, or 8480." }),
    expose: Flags.boolean({ summary: 'Allow a --host that other machines can reach.' }),
    'latency-ms': wholeNumber({ max: 600_000, summary: 'Milliseconds between executing and answering.' }),
    'rate-limit': wholeNumber({ min: 1, max: 1_000_000, summary: 'Requests a second, above which it answers 429.' }),
  };

  async run(): Promise<void> {
    const { openServedBank } = await import('../../serve-bank.ts');
    const { gateway, file, host, port, expose, book, config } = this.flags;
    const { 'latency-ms': latencyMs, 'rate-limit': rateLimitPerSecond } = this.flags;
    const stop = this.interruptSignal;
    const terms = { latencyMs, rateLimitPerSecond };
    const where = { book, config, cwd: process.cwd(), env: process.env };
    const request = { gateway, file, host, port, isExposed: expose, ...terms, ...where };
    const bank = await this.opened(openServedBank(request));
    const { url } = bank;
    await this.terminal.write(
      this.jsonEnabled()
        ? `${JSON.stringify({ schema: 'bursar.bank_serve/1', url, file: bank.file, pid: process.pid })}\n`
        : `The simulated bank listens at ${url} (its file: ${bank.file}). Ctrl-C stops it.\n`,
    );
    await Promise.race([new Promise((resolve) => stop.addEventListener('abort', resolve)), bank.failure]);
  }
}
