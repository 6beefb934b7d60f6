// One round of the random kills: starts a command of the built CLI and ends it with a signal at a random moment.
import { spawn } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import type { BillingBook } from './billing-book.ts';
import { BIN, cliEnvironment } from './cli.ts';
import type { KillWorld } from './kill-operations.ts';
import { rowsOf } from './rows.ts';

/** How long each operation takes when nobody ends it, milliseconds; kept up to date with every one that gets through. */
export type Durations = Map<string, number>;

export interface Killed {
  name: string;
  signal: NodeJS.Signals;
  /** It was gone before the signal came. */
  ended: boolean;
  /** Open attempts of the process that it left behind. */
  inHand: number;
}

/** How long the bank keeps an answer back: while it does, an attempt is in hand. */
export const LATENCY_MS = 60;

/** What a command may end with by itself: never 5 (the book is damaged), 6 (locked) or an internal error. */
const SANE_CODES = [0, 1, 3, 4, 7, 8, 130];

/** Runs a command and sends it the drawn signal at the drawn moment. Fails the test on an end that no command may have. */
export async function killedCommand(
  world: KillWorld,
  durations: Durations,
  { name, args }: { name: string; args: readonly string[] },
): Promise<Killed> {
  const { book, random } = world;
  const kind = random();
  const signal = kind < 0.8 ? 'SIGKILL' : kind < 0.9 ? 'SIGTERM' : 'SIGINT';
  const moment = drawMoment(world, durations.get(name) ?? 500);
  const startedAt = performance.now();
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd: book.folder,
    env: cliEnvironment(book.folder),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  let end: { code: number | null; by: NodeJS.Signals | null } | undefined;
  const ended = new Promise<void>((resolve) => {
    child.once('close', (code, by) => {
      end = { code, by };
      resolve();
    });
  });
  const isRunning = (): boolean => end === undefined;
  for (let { commits: left } = moment, seen = await changedAt(moment.file); left > 0 && isRunning(); await delay(1)) {
    const now = await changedAt(moment.file);
    if (now !== seen) left -= 1;
    seen = now;
  }
  await Promise.race([ended, delay(moment.afterMs)]);
  const wasEnded = !isRunning();
  if (wasEnded) durations.set(name, ((durations.get(name) ?? 0) + performance.now() - startedAt) / 2);
  else child.kill(signal);
  await ended;
  const told = `${args.join(' ')} ended with ${end?.code ?? end?.by}:\n${output}`;
  expect(output, told).not.toMatch(/"code": "internal"|internal error/);
  if (end?.code !== null) expect(SANE_CODES, told).toContain(end?.code);
  return { name, signal, ended: wasEnded, inHand: wasEnded ? 0 : await attemptsInHand(book, child.pid ?? 0) };
}

/** So many milliseconds after so many commits to a file have been seen; with none of them, after the start. */
interface Moment {
  file: string;
  commits: number;
  afterMs: number;
}

/**
 * Anywhere from the first instruction on; or right behind a commit to the book, or to the bank, which is where money has
 * just moved: those moments are met whatever else the machine does.
 */
function drawMoment({ book, random }: KillWorld, typicalMs: number): Moment {
  const kind = random();
  if (kind < 0.35) return { file: book.path, commits: 0, afterMs: random() * 1.15 * typicalMs };
  if (kind < 0.6) return { file: book.path, commits: 1 + Math.floor(random() * 4), afterMs: random() * 20 };
  return { file: book.bankPath, commits: 1, afterMs: random() * LATENCY_MS };
}

/** When the WAL of a database was written to last: only commits do that. */
async function changedAt(file: string): Promise<bigint> {
  return stat(`${file}-wal`, { bigint: true }).then(
    ({ mtimeNs }) => mtimeNs,
    () => 0n,
  );
}

/** Attempts that this process has opened or taken over, and that are still its own. */
async function attemptsInHand(book: BillingBook, pid: number): Promise<number> {
  const [row] = await rowsOf<{ n: number }>(
    book.path,
    `SELECT COUNT(*) AS n FROM attempts JOIN owners ON owners.id = attempts.owner_id
      WHERE owners.pid = ${pid} AND attempts.settled_at IS NULL`,
  );
  return row?.n ?? 0;
}
