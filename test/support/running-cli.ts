// A CLI command that is under way: a test looks at the book meanwhile, and stops, continues or kills it.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { BIN, type CliResult, cliEnvironment } from './cli.ts';
import { rowsOf } from './rows.ts';

export interface RunningCli {
  child: ChildProcess;
  ended: Promise<CliResult>;
}

/** Starts `bursar ...args`; `within` is a program that starts it, such as `unshare`. */
export function startCli(args: readonly string[], cwd: string, within: readonly string[] = []): RunningCli {
  const [program = '', ...words] = [...within, process.execPath, BIN, ...args];
  const child = spawn(program, words, { cwd, env: cliEnvironment(cwd), stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<CliResult>((resolve) => {
    child.once('close', (code, signal) => resolve({ stdout, stderr, code, signal }));
  });
  return { child, ended };
}

/** The pid that `within` started the CLI as. */
export async function innerPid({ child }: RunningCli): Promise<number> {
  for (;;) {
    const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
    if (children.trim() !== '') return Number(children.trim().split(' ')[0]);
    await delay(10);
  }
}

/** Waits until `count` attempts are settled and some are in hand; the command must not have ended by then. */
export async function untilInHand(running: RunningCli, path: string, count: number): Promise<void> {
  for (;;) {
    const [row] = await rowsOf<{ settled: number; open: number }>(
      path,
      `SELECT COUNT(settled_at) AS settled, COUNT(*) - COUNT(settled_at) AS open FROM attempts`,
    );
    if (row !== undefined && row.settled >= count && row.open > 0) return;
    if (running.child.exitCode !== null) throw new Error(`it ended: ${JSON.stringify(await running.ended)}`);
    await delay(10);
  }
}
