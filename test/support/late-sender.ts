// Creates a charge in a process of its own and stops itself (SIGSTOP) on the way to the bank: `before` the checks that
// stand before the socket, or `behind` them. When it is woken it goes on. Arguments: the book, the bank's file, the
// customer, the method, where to stop. Prints one line when it has ended.
import { dirname, join } from 'node:path';
import { createCharge } from '../../src/charges/operations.ts';
import { Pipeline } from '../../src/charges/pipeline.ts';
import { SendingGuard } from '../../src/charges/sending-guard.ts';
import { systemClock, systemRandom } from '../../src/clock.ts';
import type { Gateway } from '../../src/gateways/gateway.ts';
import { createSimulatedGateway } from '../../src/gateways/simulated/simulated-gateway.ts';
import { findPolicy } from '../../src/retries/policy.ts';
import { Owner } from '../../src/storage/lease.ts';
import { openBook } from '../../src/storage/open.ts';

const [path = '', bankPath = '', customerId = '', methodId = '', where = '', config = '{}'] = process.argv.slice(2);
const book = await openBook(path);
const bank = createSimulatedGateway({
  name: 'simulated',
  path: bankPath,
  clock: systemClock,
  config: JSON.parse(config) as Record<string, never>,
});
const stop = (): void => void process.kill(process.pid, 'SIGSTOP');
const gateway: Gateway = {
  ...bank,
  send: (request, signal) => {
    if (where === 'behind') stop();
    return bank.send(request, signal);
  },
};
const owner = new Owner(book, systemClock, 'test');
const author = { actor: 'tester', host: 'here', command: 'test' };
// Where the CLI keeps it when the book's folder is its home.
const stateFolder = join(dirname(path), '.local', 'state', 'bursar');
const pipeline = new Pipeline({
  book,
  clock: systemClock,
  random: systemRandom,
  author,
  owner,
  guard: new SendingGuard({ book, clock: systemClock, author, stateFolder: () => stateFolder }),
  gateway: async () => gateway,
  policy: (name) => findPolicy(name),
  timezone: 'UTC',
});
const collect = pipeline.collect.bind(pipeline);
pipeline.collect = (attempt, stopped) => {
  if (where === 'before') stop();
  return collect(attempt, stopped);
};
const { charge } = await createCharge(pipeline, {
  customerId,
  methodId,
  gateway: 'simulated',
  amountMinor: 1250n,
  currency: 'USD',
  intent: 'sale',
  policy: 'none',
  description: null,
  metadata: {},
  idempotencyKey: null,
});
console.log(JSON.stringify({ id: charge.id, status: charge.status }));
await owner.release();
await bank.close();
await book.close();
