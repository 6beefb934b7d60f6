// Runs of the built CLI that a test meets while they are at it.
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import type { JudgedBook } from './bank-judge.ts';
import { BIN, cliEnvironment } from './cli.ts';
import { countOf } from './rows.ts';

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Started {
  child: ChildProcess;
  ended: Promise<Ended>;
}

export function startCli(folder: string, args: readonly string[]): Started {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd: folder,
    env: cliEnvironment(folder),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve) =>
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr })),
  );
  return { child, ended };
}

/** A billing run over all that is due, with --json. */
export function startRun(book: JudgedBook, more: readonly string[] = []): Started {
  return startCli(book.folder, ['billing', 'run', '--as-of', book.asOf, '--json', ...more]);
}

/** Waits until the book has so many attempts that are settled. */
export async function untilSettled(book: JudgedBook, count: number): Promise<void> {
  while ((await countOf(book.path, 'attempts WHERE settled_at IS NOT NULL')) < count) await delay(20);
}
