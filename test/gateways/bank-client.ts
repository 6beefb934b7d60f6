// A process that charges at a simulated bank, for tests that kill it or run several on one file. Each charge that the
// bank has answered is a line on standard output. Arguments: the bank's file, a name, how many charges, how many of them
// are the same for every process, and how many at once.
import { writeSync } from 'node:fs';
import { systemClock } from '../../src/clock.ts';
import { createSimulatedGateway } from '../../src/gateways/simulated/simulated-gateway.ts';
import { attemptKey, derivedId } from '../../src/ids.ts';

const [path = '', name = '', total = '0', shared = '0', width = '1'] = process.argv.slice(2);
const STARTED_MS = Date.UTC(2026, 0, 1);
const gateway = createSimulatedGateway({ name: 'bank', path, clock: systemClock, config: { timeoutMs: 30_000 } });
const signal = new AbortController().signal;
let next = 0;

async function chargeOnAndOn(): Promise<void> {
  for (let index = next++; index < Number(total); index = next++) {
    const owner = index < Number(shared) ? 'everyone' : name;
    const chargeId = derivedId('charge', STARTED_MS + index, 'bank-client', owner, String(index));
    const attemptId = derivedId('attempt', STARTED_MS + index, 'bank-client', owner, String(index));
    const facts = {
      operation: 'sale' as const,
      chargeId,
      attemptId,
      token: 'tok_approved',
      amountMinor: 100n,
      currency: 'EUR',
      description: null,
      objectId: null,
      objectGeneration: 0,
    };
    const key = attemptKey('bk_test', chargeId, 1);
    const outcome = await gateway.send({ ...facts, ...gateway.prepare(facts), idempotencyKey: key }, signal);
    // Synchronously: what was written is written, whenever this process is killed.
    writeSync(1, `${outcome.kind} ${chargeId}\n`);
  }
}

await Promise.all(Array.from({ length: Number(width) }, chargeOnAndOn));
await gateway.close();
