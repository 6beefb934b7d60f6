// The end of a world: faults stop, everybody finishes, and runs go on for some weeks. Then every charge is at an end or waits
// for a person, nothing is unknown that could be proved, and the banks' records are the book's, charge by charge.
import { expect } from 'vitest';
import { resume } from '../../src/charges/pause.ts';
import { cancelSchedule } from '../../src/schedules/cancel.ts';
import { LEASE_MS } from '../../src/storage/lease.ts';
import { seeded } from '../support/seeded.ts';
import { assertInvariants, assertLedger, author, billing, reconciling } from './commands.ts';
import { attemptRows, chargeRows } from './invariants.ts';
import { openAttemptRows, resolveTruthfully, wordOn } from './operator.ts';
import { GATEWAYS, type World } from './world.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Let on one by one, more than any world has waiting. */
const MOST_STEPS = 20_000;
/** While keys are young, when none is, and then when everything has grown too old for a further retry. */
const ROUNDS_AFTER_MS = [LEASE_MS + 1, 10 * 60_000, 32 * HOUR_MS, 31 * DAY_MS, 31 * DAY_MS];
/** In this round nothing can be sent again any more, and what is left is for an operator. */
const ROUND_OF_OPERATORS = 2;
const HEALER = 99;
/** Longer than any bank's records lag behind. */
const LONGEST_LAG_MS = 6 * 60_000;

export async function heal(world: World, seed: number): Promise<void> {
  const random = seeded(seed);
  world.points.areFaultsOn = false;
  for (const bank of world.banks.values()) bank.approveAll();
  for (const scope of ['*', ...GATEWAYS]) {
    await resume({ book: world.book, clock: world.clock, author }, scope, 'over');
  }
  await finish(world, random);
  for (const who of world.living) await who.atOnce(() => who.owner.release());
  await endQuarantine(world, random);
  await endSchedules(world, random);
  for (const [round, afterMs] of ROUNDS_AFTER_MS.entries()) {
    await world.network.pass(afterMs, random);
    await runOnce(world, random);
    if (round === ROUND_OF_OPERATORS) {
      await assertUnprovable(world);
      for (const bank of world.banks.values()) await bank.confirm(random);
      await callOperators(world);
      // As from cron: what had not matured, or did not show, when the book was reconciled.
      await reconcileFrom(world, random, 0);
    }
    await assertInvariants(world, `in round ${round} after the faults`);
  }
  await reconcileFrom(world, random, 0);
  await assertAtRest(world);
  world.knowledge.lost.clear();
  await assertInvariants(world, 'at the end');
  await assertBanksAgree(world);
  await assertLedger(world);
  await count(world);
}

/** What they have made so far stays due. */
async function endSchedules(world: World, random: () => number): Promise<void> {
  const healer = await world.process(HEALER);
  for (const { id } of await world.rows<{ id: string }>(`SELECT id FROM schedules WHERE status = 'active'`)) {
    const options = { keepOpen: true, reason: 'the end' };
    await world.begin(healer, 'end of schedule', () => cancelSchedule(healer.pipeline, id, options));
    await finish(world, random);
  }
}

/** Twice: a quarantine ends only by what was read when no record could lag behind any more. */
async function endQuarantine(world: World, random: () => number): Promise<void> {
  for (const waitMs of [0, LONGEST_LAG_MS]) {
    await world.network.pass(waitMs, random);
    await reconcileFrom(world, random, null);
  }
  expect([...world.knowledge.unread], 'banks whose records were not read').toEqual([]);
  const [row] = await world.rows<{ quarantine: number }>('SELECT quarantined_at IS NOT NULL AS quarantine FROM book');
  expect(row?.quarantine, 'the book is in quarantine').toBe(0);
}

async function reconcileFrom(world: World, random: () => number, sinceMs: number | null): Promise<void> {
  const healer = await world.process(HEALER);
  await world.begin(healer, 'reconcile', () => reconciling(world, healer, sinceMs));
  await finish(world, random);
}

async function runOnce(world: World, random: () => number): Promise<void> {
  const healer = await world.process(HEALER);
  await world.begin(healer, 'billing run', () => billing(healer, 'billing', world.clock.nowMs()));
  await finish(world, random);
}

async function finish(world: World, random: () => number): Promise<void> {
  for (let steps = 0; await world.points.step(random); steps += 1) {
    if (steps > MOST_STEPS) throw new Error('the processes do not come to an end');
  }
}

/** Left unknown is only what nothing of this program could prove. */
async function assertUnprovable(world: World): Promise<void> {
  for (const attempt of await openAttemptRows(world)) {
    const word = await wordOn(world, attempt);
    const canBeFound = world.bank(attempt.gateway).canLookUp && (word === 'approved' || word === 'declined');
    expect(canBeFound, `${attempt.operation} ${attempt.id} is ${attempt.outcome}, though the bank says ${word}`).toBe(
      false,
    );
    world.statistics.count(`left open: ${attempt.gateway} ${attempt.outcome}`);
  }
}

async function callOperators(world: World): Promise<void> {
  for (let left = (await openAttemptRows(world)).length; left > 0; left -= 1) {
    await resolveTruthfully(world, HEALER, left - 1);
  }
}

const AT_REST = ['captured', 'authorized', 'exhausted', 'voided', 'expired', 'cancelled', 'requires_action'];

async function assertAtRest(world: World): Promise<void> {
  const moving = (await chargeRows(world)).filter(
    ({ status, retry_at }) => !AT_REST.includes(status) && !(status === 'failed' && retry_at === null),
  );
  expect(
    moving.map(({ id, gateway, status }) => `${gateway} ${id} ${status}`),
    'charges that are neither at an end nor wait for a person',
  ).toEqual([]);
  const open = (await openAttemptRows(world)).filter(({ outcome }) => outcome !== 'requires_action');
  expect(
    open.map(({ id, gateway, operation, outcome }) => `${gateway} ${operation} ${id} ${outcome}`),
    'attempts without an outcome',
  ).toEqual([]);
}

/** Of the charges that the book knows; those that were lost with a book stand in suspense, as the invariants say. */
async function assertBanksAgree(world: World): Promise<void> {
  const known = new Set((await chargeRows(world)).map(({ id }) => id));
  const ofBanks: string[] = [];
  for (const bank of world.banks.values()) {
    for (const { chargeId, operation, amountMinor } of await bank.executed()) {
      if (known.has(chargeId)) ofBanks.push(`${chargeId} ${operation} ${operation === 'void' ? '' : amountMinor}`);
      else world.statistics.count('executed for a charge that was lost');
    }
  }
  const ofBook = (await attemptRows(world))
    .filter(({ outcome }) => outcome === 'approved')
    .map(
      ({ charge_id, operation, amount_minor }) =>
        `${charge_id} ${operation} ${operation === 'void' ? '' : amount_minor}`,
    );
  expect(ofBook.sort(), 'what the book and the banks call executed').toEqual(ofBanks.sort());
}

async function count(world: World): Promise<void> {
  for (const { status } of await chargeRows(world)) world.statistics.count(`charges at the end: ${status}`);
}
