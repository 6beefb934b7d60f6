// Whether a billing run under full load still answers: on a terminal, how long its progress stands still at most, and how
// long it takes from Ctrl-C to the word that it is stopping. The limit of both is what a person takes for at once.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeBillingBook } from '../test/support/billing-book.ts';
import { KEYS } from '../test/support/pty.ts';
import { BIN } from './child.ts';
import { median, reportLimit } from './rounds.ts';
import { serveBank } from './served-bank.ts';

const SCHEDULES = 20_000;
const ROUNDS = 5;
const GOAL_MS = 200;
/** What is watched of each run before it is interrupted. */
const WATCHED_MS = 5_000;

export async function bench(): Promise<boolean> {
  const rounds: Watched[] = [];
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await watched());
  const gap = median(rounds.map(({ gapMs }) => gapMs));
  const stop = median(rounds.map(({ stopMs }) => stopMs));
  const worst = Math.max(...rounds.map(({ gapMs }) => gapMs));
  const met = [
    reportLimit('billing run: progress stands still', gap, 'ms', GOAL_MS),
    reportLimit('billing run: Ctrl-C to its answer', stop, 'ms', GOAL_MS),
  ];
  console.log(`(medians of ${ROUNDS} rounds; progress stood still for ${worst.toFixed(0)} ms in the worst)`);
  return !met.includes(false);
}

interface Watched {
  /** The longest time between two drawings of the progress. */
  gapMs: number;
  /** From Ctrl-C to the word that it is stopping. */
  stopMs: number;
}

async function watched(): Promise<Watched> {
  const folder = mkdtempSync(join(tmpdir(), 'bursar-bench-'));
  const bank = await serveBank(folder, 50, null);
  try {
    const gateway = { url: bank.url, timeoutMs: 10_000 };
    const book = await makeBillingBook(folder, SCHEDULES, {
      tokens: ['tok_approved'],
      methodsPerToken: 1_000,
      gateway,
    });
    const command = `'${process.execPath}' '${BIN}' billing run --as-of ${book.dueAfter(1)}`;
    const child = spawn('script', ['-qefc', command, '/dev/null'], {
      cwd: folder,
      env: { ...process.env, TERM: 'xterm', SHELL: '/bin/sh' },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const drawn: number[] = [];
    let stoppedAt = 0;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (text.includes('Stopping at the next safe point')) stoppedAt = performance.now();
      // Between the first answers and the end: before and after there is nothing to count.
      else if (/approved [1-9]/.test(text)) drawn.push(performance.now());
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    while (drawn.length === 0) await delay(5);
    await delay(WATCHED_MS);
    const gaps = drawn.slice(1).map((atMs, index) => atMs - (drawn[index] ?? atMs));
    const askedAt = performance.now();
    child.stdin.write(KEYS.interrupt);
    await ended;
    if (stoppedAt === 0) throw new Error('the run was over before it could be interrupted');
    return { gapMs: Math.max(...gaps), stopMs: stoppedAt - askedAt };
  } finally {
    bank.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
