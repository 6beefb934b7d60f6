// The promise, under SIGKILL: commands of every kind, on payment methods of every kind, are ended at random moments, one
// or two at a time, hundreds of times over. Then each book is run to its end, and the bank is the judge. A failure keeps
// the folder and prints the seed.
import { readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  assertBookEqualsBank,
  assertNoDoubles,
  assertOneChargeAPeriod,
  differences,
  doubles,
  runToTheEnd,
} from '../support/bank-judge.ts';
import { makeBillingBook } from '../support/billing-book.ts';
import { runCli } from '../support/cli.ts';
import { commandOf, drawOperation, EXPORT_FOLDER, type KillWorld, OPERATIONS } from '../support/kill-operations.ts';
import { type Durations, type Killed, killedCommand, LATENCY_MS } from '../support/kill-rounds.ts';
import { countOf, rowsOf } from '../support/rows.ts';
import { chooseSeed, seeded } from '../support/seeded.ts';

const isSoak = process.env.BURSAR_SOAK === '1';
/** Two at a time, for two cores. 120 rounds, or 1,000. */
const LANES = 2;
const BOOKS_PER_LANE = isSoak ? 5 : 1;
const ROUNDS = isSoak ? 100 : 60;
const SCHEDULES = 28;
/** A lane takes 45 s on two idle cores; four times that where others use them. */
const PATIENCE_MS = isSoak ? 3_600_000 : 400_000;

const seed = chooseSeed();
const durations: Durations = new Map();
const rounds: Killed[][] = [];
const found = { charges: 0, doubles: 0, losses: 0 };

async function newWorld(folder: string, random: () => number): Promise<KillWorld> {
  const book = await makeBillingBook(folder, SCHEDULES, { gateway: { latencyMs: LATENCY_MS } });
  await mkdir(join(folder, EXPORT_FOLDER));
  const world: KillWorld = { book, random, days: 1, keyed: [], exports: [], backups: [], count: 0 };
  // The bank's file is made with the first charge; its own beginning is no part of the promise.
  const approved = book.methods.find(({ token }) => token === 'tok_approved')?.id ?? '';
  const args = ['charges', 'create', '--customer', book.customerId, '--method', approved, '--amount', '10', '--json'];
  expect([0, 4]).toContain((await runCli([...args, '--currency', 'USD'], { cwd: folder })).code);
  return world;
}

describe('commands of every kind, killed at random moments', () => {
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bursar-kills-measured-'));
    const world = await newWorld(folder, seeded(seed));
    for (const name of [...Object.keys(OPERATIONS), 'resume']) {
      const args = await commandOf(name, world);
      const startedAt = performance.now();
      if (args !== null) await runCli(args, { cwd: folder });
      durations.set(name, performance.now() - startedAt);
    }
    await rm(folder, { recursive: true });
  });

  it.concurrent.each(Array.from({ length: LANES }, (_, lane) => lane))(
    'lane %i: money moved exactly once',
    async (lane) => {
      for (let index = 0; index < BOOKS_PER_LANE; index += 1) {
        const number = lane * BOOKS_PER_LANE + index;
        const folder = await mkdtemp(join(tmpdir(), `bursar-kills-${number}-`));
        try {
          const world = await newWorld(folder, seeded(seed + number));
          await killAndJudge(world).finally(() => countFound(world));
        } catch (error) {
          console.error(
            `seed ${seed}, book ${number}; the folder is kept: ${folder} (repeat with BURSAR_SEED=${seed})`,
          );
          throw error;
        }
        await rm(folder, { recursive: true });
      }
    },
    PATIENCE_MS,
  );

  it.sequential('killed them in the thick of it', () => {
    const killed = rounds.flat().filter(({ ended }) => !ended);
    expect(rounds.length).toBe(LANES * BOOKS_PER_LANE * ROUNDS);
    expect(killed.length).toBeGreaterThan(rounds.length / 2);
    expect(killed.filter(({ inHand }) => inHand > 0).length).toBeGreaterThan(rounds.length / 40);
    expect(new Set(killed.map(({ name }) => name)).size).toBeGreaterThan(Object.keys(OPERATIONS).length / 2);
  });

  afterAll(() => {
    const all = rounds.flat();
    const killed = all.filter(({ ended }) => !ended);
    const withOpen = killed.filter(({ inHand }) => inHand > 0);
    console.info(
      `seed ${seed}: ${rounds.length} rounds, ${all.length} commands, ${killed.length} ended by a signal ` +
        `(${killed.filter(({ signal }) => signal === 'SIGKILL').length} by SIGKILL), ${withOpen.length} of them with ` +
        `${withOpen.reduce((sum, { inHand }) => sum + inHand, 0)} attempts in hand; ${found.charges} charges made, ` +
        `${found.doubles} doubles, ${found.losses} losses`,
    );
  });
});

/** What the book came to, also where the judge finds fault with it. */
async function countFound({ book }: KillWorld): Promise<void> {
  found.charges += await countOf(book.path, 'charges');
  found.doubles += (await doubles(book)).length;
  const { onlyAtTheBank, onlyInTheBook } = await differences(book);
  found.losses += onlyAtTheBank.length + onlyInTheBook.length;
}

async function killAndJudge(world: KillWorld): Promise<void> {
  const { book } = world;
  for (let round = 0; round < ROUNDS; round += 1) {
    const first = await drawOperation(world);
    const second = world.random() < 0.2 ? await drawOperation(world) : null;
    const both = second === null ? [first] : [first, second];
    rounds.push(await Promise.all(both.map((operation) => killedCommand(world, durations, operation))));
    await assertNoDoubles(book);
  }
  const resumed = await runCli(['resume', '--reason', 'the rounds are over'], { cwd: book.folder });
  expect([0, 1], resumed.stderr).toContain(resumed.code);
  await assertKeysHold(world);
  const asOf = book.dueAfter(world.days);
  await runToTheEnd({ ...book, asOf });
  await assertBookEqualsBank(book);
  await assertOneChargeAPeriod({ ...book, periods: SCHEDULES * world.days });
  await assertFiles(world);
}

/** A payment that is entered once more under its key is the same payment, however often its command was killed. */
async function assertKeysHold({ book, keyed }: KillWorld): Promise<void> {
  for (const { key, args } of keyed.slice(-2)) {
    const standing = await rowsOf<{ id: string }>(book.path, `SELECT id FROM charges WHERE idempotency_key = '${key}'`);
    const again = await runCli([...args, '--json'], { cwd: book.folder });
    expect([0, 1, 3, 4, 7], again.stdout + again.stderr).toContain(again.code);
    // A method that was blocked meanwhile takes no new payment.
    if (standing.length === 0 && again.code === 1) continue;
    const { id, replayed } = JSON.parse(again.stdout) as { id: string; replayed: boolean };
    expect(replayed).toBe(standing.length > 0);
    if (standing.length > 0) expect(standing).toEqual([{ id }]);
  }
}

/** A file under its name is whole and verifies; what a command left behind when it was killed says that it is a draft. */
async function assertFiles({ book, exports, backups }: KillWorld): Promise<void> {
  const there = new Set(readdirSync(join(book.folder, EXPORT_FOLDER)).map((name) => join(EXPORT_FOLDER, name)));
  for (const file of exports) {
    const manifest = `${file}.manifest.json`;
    if (!there.delete(file)) continue;
    // Killed between the two: the rows are whole, but nothing vouches for them, and the command never said it was done.
    if (!there.delete(manifest)) continue;
    const verified = await runCli(['audit', 'verify', '--file', file, '--json'], { cwd: book.folder });
    expect(verified.code, verified.stdout + verified.stderr).toBe(0);
  }
  for (const file of backups) {
    there.delete(`${file}.manifest.json`);
    if (!there.delete(file)) continue;
    const checked = await runCli(['ledger', 'check', '--deep', '--book', file, '--json'], { cwd: book.folder });
    expect(checked.code, checked.stdout + checked.stderr).toBe(0);
  }
  for (const name of there) {
    expect(name).toMatch(
      /\/(\.log-\d+\.csv(\.manifest\.json)?\.[0-9a-f]{12}\.tmp|backup-\d+\.db(\.manifest\.json)?\.new-[0-9a-f]{12}(-journal)?)$/,
    );
  }
}
