// Whether the gateways answer.
import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { EXIT } from '../../errors.ts';
import { testReach } from '../../gateways/reach.ts';

export default class GatewaysTest extends BaseCommand<typeof GatewaysTest> {
  static override summary = 'Reach a gateway, or every one, without moving money. Status 7 when one is out of reach.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> simulated --json',
  ];
  static override args = { name: Args.string({ description: 'Only this gateway.' }) };

  async run(): Promise<object> {
    const app = await this.open();
    const { name } = this.args;
    if (name !== undefined) app.assertGateway(name);
    const names = name === undefined ? Object.keys(app.gatewayConfigs) : [name];
    const gateways = await Promise.all(names.map((each) => testReach(each, () => app.gateway(each))));
    for (const { name: each, ok } of gateways) {
      // What it says of the time counts like any other answer.
      if (ok) await app.guard.sawClock(await app.gateway(each));
    }
    const ok = gateways.every((gateway) => gateway.ok);
    if (!ok) this.exitWith(EXIT.unavailable);
    return this.show({ schema: 'bursar.gateway_test/1', ok, gateways }, () =>
      this.printTable(gateways, [
        { key: 'name' },
        { key: 'ok' },
        { key: 'latencyMs', header: 'LATENCY', cell: ({ latencyMs }) => `${latencyMs} ms`, align: 'right' },
        { key: 'message' },
      ]),
    );
  }
}
