// The simulated bank passes the contract of all gateways: in memory, in a file whose lists lag, and served over HTTP.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { openBank } from '../../src/gateways/simulated/bank-desk.ts';
import { serveBank } from '../../src/gateways/simulated/bank-server.ts';
import { httpTransport } from '../../src/gateways/simulated/http-transport.ts';
import { createSimulatedGateway } from '../../src/gateways/simulated/simulated-gateway.ts';
import type { SimulatedConfig } from '../../src/gateways/simulated/terms.ts';
import { transportTo } from '../../src/gateways/simulated/transport.ts';
import { gatewayContract } from './contract.ts';
import { manualClock } from './manual-clock.ts';

const TIMEOUT_MS = 400;
const folder = mkdtempSync(join(tmpdir(), 'bank-contract-'));
afterAll(() => rmSync(folder, { recursive: true }));

for (const [name, path, config, isServed] of [
  ['in memory', ':memory:', {}, false],
  ['in a file, with lists that lag', null, { listLagMs: 5_000, settlingMs: 60_000 }, false],
  ['served over HTTP', ':memory:', { listLagMs: 5_000, settlingMs: 60_000 }, true],
] as [string, string | null, SimulatedConfig, boolean][]) {
  let banks = 0;
  gatewayContract({
    name: `the simulated bank ${name}`,
    currency: 'EUR',
    tokens: {
      approved: 'tok_approved',
      declined: [
        { token: 'tok_insufficient_funds', decline: 'insufficient_funds' },
        { token: 'tok_expired_card', decline: 'expired_card' },
        { token: 'tok_lost_card', decline: 'lost_card' },
        { token: 'tok_authentication_required', decline: 'authentication_required' },
        { token: 'tok_flaky:1', decline: 'try_again_later' },
        { token: 'tok_never_given_out', decline: 'invalid_account' },
      ],
      brokenAfterExecution: [
        { token: 'tok_timeout_after_charging', reason: 'timeout' },
        { token: 'tok_reset', reason: 'connection_reset' },
        { token: 'tok_garbage', reason: 'garbled_answer' },
        { token: 'tok_500_after_charging', reason: 'server_error' },
        { token: 'tok_wrong_amount', reason: 'answer_mismatch' },
      ],
      lostBefore: 'tok_timeout_before',
      requiresAction: 'tok_requires_action',
      settling: { token: 'tok_settling', settlesAfterMs: config.settlingMs ?? 1_000 },
      unauthorized: 'tok_unauthorized',
    },
    open: async () => {
      const clock = manualClock();
      banks += 1;
      const file = path ?? join(folder, `contract-${banks}.bank.db`);
      const bankConfig = { timeoutMs: TIMEOUT_MS, ...config };
      // Opened beforehand: that takes no part of the timeout, which is short because the faults wait for it.
      const bank = await openBank({ path: file, clock, config: bankConfig });
      const server = isServed ? await serveBank({ bank, clock, host: '127.0.0.1', port: 0 }) : null;
      const transport = server === null ? transportTo(bank, clock) : httpTransport(server.url);
      const gateway = createSimulatedGateway({ name: 'bank', path: file, clock, config: bankConfig, transport });
      const advance = async (durationMs: number) => clock.advance(durationMs);
      const close = async () => {
        await gateway.close();
        await server?.close();
        await bank.close();
      };
      return { gateway, nowMs: clock.nowMs, advance, close };
    },
  });
}
