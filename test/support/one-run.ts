// One billing run in a process of its own, watched from outside.
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import type { BillingBook } from './billing-book.ts';
import { BIN, cliEnvironment } from './cli.ts';
import { rowsOf } from './rows.ts';

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export function startRun(
  book: BillingBook,
  more: readonly string[] = [],
  env: Record<string, string> = {},
): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [BIN, 'billing', 'run', '--as-of', book.asOf, '--json', ...more], {
    cwd: book.folder,
    env: cliEnvironment(book.folder, env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
  return { child, ended };
}

/** Resolves once so many attempts have their outcome. */
export async function untilSettled(book: BillingBook, count: number): Promise<void> {
  for (;;) {
    const [row] = await rowsOf<{ n: number }>(
      book.path,
      'SELECT COUNT(*) AS n FROM attempts WHERE settled_at IS NOT NULL',
    );
    if ((row?.n ?? 0) >= count) return;
    await delay(20);
  }
}
