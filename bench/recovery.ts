// How long it takes to come back from a kill: a run is killed (SIGKILL) with 10,000 attempts sent and not answered; timed
// is what it takes until every one of them has its outcome and the ledger is found whole. The floor is a run that collects
// as many new charges.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type BillingBook, makeBillingBook } from '../test/support/billing-book.ts';
import { countOf } from '../test/support/rows.ts';
import { BIN, bursar } from './child.ts';
import { report } from './rounds.ts';

const OPEN_ATTEMPTS = 10_000;
/** Finding out what came of an attempt takes no longer than making one. */
const GOAL = { atMost: 1.0 };
/** The bank charges at once and answers a minute later: by then the run has been killed. */
const SLOW_BANK = { latencyMs: 60_000, timeoutMs: 120_000, maxConcurrency: OPEN_ATTEMPTS };

/** False, too, when the book is not clean. */
export async function bench(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'bursar-bench-'));
  try {
    const book = await makeBillingBook(folder, OPEN_ATTEMPTS / 2, { tokens: ['tok_approved'], gateway: SLOW_BANK });
    await killWithOpenAttempts(book);
    answerAtOnce(book);
    const timed = async (...args: string[]): Promise<number> => (await bursar([...args, '--json'], { cwd: folder })).ms;
    const resolvedMs = await timed('billing', 'run', '--as-of', book.asOf);
    const checkedMs = await timed('ledger', 'check');
    const open = await countOf(book.path, `attempts WHERE outcome IS NULL OR outcome = 'unknown'`);
    const captured = await countOf(book.path, `charges WHERE status = 'captured'`);
    const executed = await countOf(book.bankPath, 'executed');
    const collectedMs = await timed('billing', 'run', '--as-of', book.dueAfter(4));
    const ratio = resolvedMs / collectedMs;
    const met = report(
      [
        { name: `collect ${OPEN_ATTEMPTS} charges`, medianMs: collectedMs, ratio: 1, goal: null },
        { name: `resolve ${OPEN_ATTEMPTS} attempts`, medianMs: resolvedMs, ratio, goal: GOAL },
      ],
      OPEN_ATTEMPTS,
    );
    console.log(
      `from the kill to a clean book ${((resolvedMs + checkedMs) / 1000).toFixed(1)} s, ledger check included; ` +
        `${captured} captured, ${executed} at the bank, ${open} left open`,
    );
    return met && open === 0 && captured === OPEN_ATTEMPTS && executed === OPEN_ATTEMPTS;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function killWithOpenAttempts(book: BillingBook): Promise<void> {
  const args = ['billing', 'run', '--as-of', book.asOf];
  const child = spawn(process.execPath, [BIN, ...args], { cwd: book.folder, stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  for (let sent = 0; sent < OPEN_ATTEMPTS; await delay(200)) {
    if (child.exitCode !== null) throw new Error(`the run ended with ${child.exitCode} before it could be killed`);
    // The bank's file is made with the first charge.
    sent = await countOf(book.bankPath, 'executed').catch(() => 0);
  }
  child.kill('SIGKILL');
  await ended;
  const open = await countOf(book.path, 'attempts WHERE outcome IS NULL');
  if (open !== OPEN_ATTEMPTS) throw new Error(`${open} attempts were open, not ${OPEN_ATTEMPTS}`);
}

function answerAtOnce({ folder }: BillingBook): void {
  const path = join(folder, 'bursar.config.json');
  const config = JSON.parse(readFileSync(path, 'utf8')) as { gateways: unknown };
  writeFileSync(path, JSON.stringify({ ...config, gateways: { simulated: { type: 'simulated' } } }));
}
