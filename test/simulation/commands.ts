// The commands of the simulation: what operators and cron begin, in which process, and what the world does meanwhile. Each
// is drawn by fast-check, says what it is in a failure's report, and ends with the invariants.
import fc from 'fast-check';
import { expect } from 'vitest';
import { executeRun } from '../../src/billing/execute-run.ts';
import { cancelCharge } from '../../src/charges/cancel.ts';
import { captureCharge, createCharge, refundCharge, replayCharges, voidCharge } from '../../src/charges/operations.ts';
import { pause, resume } from '../../src/charges/pause.ts';
import { resolveOpenAttempts } from '../../src/charges/recovery.ts';
import { checkLedger } from '../../src/inspection/ledger-check.ts';
import { reconcile } from '../../src/reconciliation/reconcile-run.ts';
import { createSchedule } from '../../src/schedules/operations.ts';
import { seeded } from '../support/seeded.ts';
import { type ChargeRow, chargeRows, violations } from './invariants.ts';
import { resolveTruthfully } from './operator.ts';
import type { Process } from './process.ts';
import { GATEWAYS, type World } from './world.ts';

export type SimulationCommand = fc.AsyncCommand<object, World>;

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const PLACES = 3;
/** `checkLedger` reads the whole book. */
const STEPS_PER_LEDGER_CHECK = 25;

export const author = { actor: 'operator', host: 'here', command: 'simulation' };

/** A command that does `work` and then judges the world. */
function command(text: string, work: (world: World) => Promise<void>): SimulationCommand {
  return {
    check: () => true,
    run: async (_, world) => {
      world.points.trace.push(`-- ${text}`);
      await work(world);
      world.steps += 1;
      world.statistics.count('steps');
      await assertInvariants(world);
      if (world.steps % STEPS_PER_LEDGER_CHECK === 0) await assertLedger(world);
    },
    toString: () => text,
  };
}

export async function assertInvariants(world: World, when = 'now'): Promise<void> {
  const found = await violations(world);
  if (found.length > 0) expect.fail(`What must hold does not hold, ${when}:\n  ${found.join('\n  ')}`);
}

export async function assertLedger(world: World): Promise<void> {
  world.statistics.count('ledger checks');
  const { findings } = await checkLedger(world.book.reader, { deep: false });
  // What a lost charge has left behind is a warning, and judged by the invariants.
  expect(findings.filter(({ code }) => code !== 'suspense')).toEqual([]);
}

/** The nth of those that match, else of all; undefined in a book without charges. */
async function pick(
  world: World,
  nth: number,
  matches: (charge: ChargeRow) => boolean,
): Promise<ChargeRow | undefined> {
  const all = await chargeRows(world);
  const matching = all.filter(matches);
  const among = matching.length > 0 ? matching : all;
  return among[nth % among.length];
}

const place = fc.nat(PLACES - 1);
const nth = fc.nat(1000);
const seed = fc.nat(2 ** 31 - 1);
/** How far what was begun goes on at once, before anybody else. */
const lead = fc.oneof(fc.constant(0), fc.nat(12), fc.constant(200));

interface Beginning {
  place: number;
  lead: number;
  seed: number;
}
const beginning = { place, lead, seed };

async function begin(
  world: World,
  { place: at, lead: steps, seed: of }: Beginning,
  what: string,
  work: (who: Process) => Promise<unknown>,
): Promise<void> {
  const who = await world.process(at);
  await world.begin(who, what, () => work(who));
  await advance(world, steps, of, who);
}

async function advance(world: World, steps: number, of: number, who?: Process): Promise<void> {
  const random = seeded(of);
  for (let left = steps; left > 0; left -= 1) {
    const stepped = await world.points.step(random, who === undefined ? undefined : (point) => point.who === who);
    if (!stepped) return;
  }
}

/** Something done to a charge, of those that match where there are any. */
function onCharge(
  verb: string,
  matches: (charge: ChargeRow) => boolean,
  work: (who: Process, charge: ChargeRow, part: bigint | null) => Promise<unknown>,
): fc.Arbitrary<SimulationCommand> {
  return fc.record({ ...beginning, nth, part: fc.option(fc.integer({ min: 1, max: 5 })) }).map((drawn) =>
    command(`${verb}(${JSON.stringify(drawn)})`, async (world) => {
      const charge = await pick(world, drawn.nth, matches);
      if (charge === undefined) return;
      // A fifth of it, two fifths and so on; null is all there is.
      const part = drawn.part === null ? null : (BigInt(charge.amount_minor) * BigInt(drawn.part)) / 5n;
      await begin(world, drawn, `${verb} ${charge.id}`, (who) => work(who, charge, part));
    }),
  );
}

const hasStatus =
  (...statuses: string[]) =>
  (charge: ChargeRow): boolean =>
    statuses.includes(charge.status);

async function methodOf(world: World, gateway: string, number: number): Promise<string> {
  const usable = await world.rows<{ id: string }>(
    'SELECT id FROM payment_methods WHERE gateway = ? AND blocked_at IS NULL ORDER BY id',
    [gateway],
  );
  return usable[number % usable.length]?.id ?? '';
}

const charge = fc
  .record({
    ...beginning,
    gateway: fc.constantFrom(...GATEWAYS),
    nth,
    amountMinor: fc.integer({ min: 5, max: 5000 }),
    intent: fc.constantFrom('sale' as const, 'sale' as const, 'authorize' as const),
    policy: fc.constantFrom('standard', 'standard', 'none'),
    key: fc.option(fc.nat(30), { freq: 2 }),
  })
  .map((drawn) =>
    command(`charge(${JSON.stringify(drawn)})`, async (world) => {
      const { key } = drawn;
      // What is asked for under a key is always the same, so that it is the repetition of a request.
      const { gateway, amountMinor, intent, policy } =
        key === null ? drawn : { ...drawn, gateway: 'keyed', amountMinor: 1000 + key, intent: 'sale' as const };
      const methodId = await methodOf(world, gateway, key ?? drawn.nth);
      await begin(world, drawn, 'charge', (who) =>
        createCharge(who.pipeline, {
          ...{ customerId: world.customerId, methodId, gateway, currency: 'USD', intent, policy },
          amountMinor: BigInt(amountMinor),
          description: null,
          metadata: {},
          idempotencyKey: key === null ? null : `key-${key}`,
        }),
      );
    }),
  );

const schedule = fc.record({ ...beginning, gateway: fc.constantFrom(...GATEWAYS), nth }).map((drawn) =>
  command(`schedule(${JSON.stringify(drawn)})`, async (world) => {
    const methodId = await methodOf(world, drawn.gateway, drawn.nth);
    await begin(world, drawn, 'schedule', (who) =>
      createSchedule(who.pipeline.context, {
        ...{ customerId: world.customerId, methodId, amountMinor: 2000n, currency: 'USD', policy: 'standard' },
        recurrence: {
          every: { count: 1, unit: 'week' },
          ...{ on: null, time: '00:00', start: null, at: null, timezone: 'UTC' },
        },
        description: null,
        metadata: {},
        idempotencyKey: null,
      }),
    );
  }),
);

export const billing = (who: Process, kind: 'billing' | 'retries', asOfMs: number): Promise<unknown> =>
  executeRun(who.pipeline, {
    kind,
    asOfMs,
    catchUp: { mode: 'all' },
    limits: { maxCount: null, maxAmount: new Map() },
    concurrency: 4,
    signal: new AbortController().signal,
    approve: async () => undefined,
    onStart: async () => undefined,
    onProgress: () => undefined,
  });

const run = fc
  .record({
    ...beginning,
    kind: fc.constantFrom('billing' as const, 'retries' as const),
    days: fc.constantFrom(0, 0, 20),
  })
  .map((drawn) =>
    command(`run(${JSON.stringify(drawn)})`, (world) =>
      begin(world, drawn, `${drawn.kind} run`, (who) =>
        billing(who, drawn.kind, world.clock.nowMs() + drawn.days * DAY_MS),
      ),
    ),
  );

const recover = fc
  .record(beginning)
  .map((drawn) =>
    command(`recover(${JSON.stringify(drawn)})`, (world) =>
      begin(world, drawn, 'recover', (who) => resolveOpenAttempts(who.pipeline)),
    ),
  );

const goOn = fc
  .record({ steps: fc.integer({ min: 1, max: 40 }), seed })
  .map((drawn) => command(`goOn(${JSON.stringify(drawn)})`, (world) => advance(world, drawn.steps, drawn.seed)));

const crash = fc.record({ place, isSeen: fc.boolean(), seed }).map((drawn) =>
  command(`crash(${JSON.stringify(drawn)})`, async (world) => {
    const who = await world.process(drawn.place);
    void who.crash('killed', seeded(drawn.seed));
    if (drawn.isSeen) await world.markKilled(who);
    world.statistics.count(drawn.isSeen ? 'killed on this host' : 'lost elsewhere');
  }),
);

const JUMPS_MS = [1_000, 45_000, 61_000, 10 * MINUTE_MS, 45 * MINUTE_MS, 6 * 60 * MINUTE_MS, 13 * 60 * MINUTE_MS];
const clock = fc
  .record({ durationMs: fc.constantFrom(...JUMPS_MS, DAY_MS, 3 * DAY_MS, 8 * DAY_MS), isSuspended: fc.boolean(), seed })
  .map((drawn) =>
    command(`clock(${JSON.stringify(drawn)})`, async (world) => {
      await world.network.pass(drawn.durationMs, seeded(drawn.seed));
      world.statistics.count(drawn.isSuspended ? 'suspended past its lease' : 'leases renewed');
      if (drawn.isSuspended) return;
      // Their timers would have renewed the leases all the while.
      for (const who of world.living) {
        if (world.isWorking(who)) await who.atOnce(() => who.owner.hold());
      }
    }),
  );

const PATIENCE = 12;
/** A process is stopped right before its socket, longer than its lease, and another one takes over what it has opened. */
const stall = fc
  .record({
    place,
    lead: fc.constant(0),
    seed,
    other: fc.integer({ min: 1, max: PLACES - 1 }),
    gateway: fc.constantFrom(...GATEWAYS),
    nth,
  })
  .map((drawn) =>
    command(`stall(${JSON.stringify(drawn)})`, async (world) => {
      const { place: at, other, gateway, nth: number, seed: of } = drawn;
      const methodId = await methodOf(world, gateway, number);
      await begin(world, drawn, 'charge', (who) =>
        createCharge(who.pipeline, {
          ...{ customerId: world.customerId, methodId, gateway, currency: 'USD', intent: 'sale', policy: 'standard' },
          ...{ amountMinor: 1250n, description: null, metadata: {}, idempotencyKey: null },
        }),
      );
      const stalled = await world.process(at);
      for (let steps = 0; steps < PATIENCE && !world.points.waits(stalled, 'send'); steps += 1) {
        await advance(world, 1, of + steps, stalled);
      }
      await world.network.pass(61_000, seeded(of));
      const taking = { place: (at + other) % PLACES, lead: 200, seed: of };
      await begin(world, taking, 'recover', (who) => resolveOpenAttempts(who.pipeline));
    }),
  );

const SCOPES = ['*', ...GATEWAYS];
const pausing = fc
  .record({ scope: fc.constantFrom(...SCOPES), isPause: fc.constantFrom(true, false, false) })
  .map(({ scope, isPause }) =>
    command(`${isPause ? 'pause' : 'resume'}(${scope})`, async (world) => {
      const context = { book: world.book, clock: world.clock, author };
      if (isPause) await pause(context, scope, 'incident');
      else for (const each of SCOPES) await resume(context, each, 'over');
      world.statistics.count(isPause ? 'paused' : 'resumed');
    }),
  );

const operator = fc
  .record({ place, nth })
  .map((drawn) =>
    command(`operator(${JSON.stringify(drawn)})`, (world) => resolveTruthfully(world, drawn.place, drawn.nth)),
  );

const customers = seed.map((of) =>
  command(`customers(${of})`, async (world) => {
    for (const bank of world.banks.values()) await bank.confirm(seeded(of));
  }),
);

/** `sinceMs`: null is from where the book's own knowledge ends. */
export async function reconciling(world: World, who: Process, sinceMs: number | null): Promise<void> {
  const { gateways, quarantine } = await reconcile(who.pipeline.context, { gateways: null, sinceMs, dryRun: false });
  for (const { adopted, settled, suspense } of gateways) {
    world.statistics.count('reconciled: adopted', adopted);
    world.statistics.count('reconciled: settled', settled);
    world.statistics.count('reconciled: suspense', suspense);
  }
  const since = new Map(gateways.map((each) => [each.gateway, each.since]));
  if (quarantine.lifted) await world.points.during(world.noteLifted(since));
}

const reconciliation = fc
  .record(beginning)
  .map((drawn) =>
    command(`reconcile(${JSON.stringify(drawn)})`, (world) =>
      begin(world, drawn, 'reconcile', (who) => reconciling(world, who, null)),
    ),
  );

const backUp = fc.constant(command('backUp', (world) => world.backUp()));

/** Some are reconciled at once, some after commands that must be refused. */
const restore = fc
  .record({
    ...beginning,
    lead: fc.constantFrom(0, 200, 200),
    waitMs: fc.constantFrom(0, 6 * MINUTE_MS, 6 * MINUTE_MS),
  })
  .map((drawn) =>
    command(`restore(${JSON.stringify(drawn)})`, async (world) => {
      if (!(await world.restore(seeded(drawn.seed)))) return world.backUp();
      if (drawn.lead === 0) return;
      await begin(world, drawn, 'reconcile', (who) => reconciling(world, who, null));
      await world.network.pass(drawn.waitMs, seeded(drawn.seed));
      await begin(world, drawn, 'reconcile', (who) => reconciling(world, who, null));
    }),
  );

/** With their weights: a day of operators and cron, and of what goes wrong. */
export const COMMANDS: fc.Arbitrary<SimulationCommand>[] = [
  ...Array.from({ length: 8 }, () => charge),
  schedule,
  ...Array.from({ length: 4 }, () => run),
  recover,
  recover,
  ...Array.from({ length: 7 }, () => goOn),
  onCharge('capture', hasStatus('authorized'), (who, { id }, part) => captureCharge(who.pipeline, id, part)),
  onCharge('capture', hasStatus('authorized'), (who, { id }, part) => captureCharge(who.pipeline, id, part)),
  onCharge('void', hasStatus('authorized'), (who, { id }) => voidCharge(who.pipeline, id)),
  ...Array.from({ length: 3 }, () =>
    onCharge('refund', hasStatus('captured'), (who, { id }, part) =>
      refundCharge(who.pipeline, id, { amountMinor: part, reason: null, idempotencyKey: null }),
    ),
  ),
  onCharge('cancel', hasStatus('pending', 'failed', 'requires_action'), (who, { id }) =>
    cancelCharge(who.pipeline, id, 'withdrawn'),
  ),
  onCharge('replay', hasStatus('exhausted'), (who, { id }) => replayCharges(who.pipeline, [id], 'asked to')),
  onCharge('replay', hasStatus('exhausted'), (who, { id }) => replayCharges(who.pipeline, [id], 'asked to')),
  crash,
  crash,
  ...Array.from({ length: 4 }, () => clock),
  stall,
  stall,
  stall,
  pausing,
  backUp,
  restore,
  reconciliation,
  reconciliation,
  operator,
  operator,
  customers,
];
