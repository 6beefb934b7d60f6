// Faults of the disk, provoked at the system calls of the built CLI: `strace` answers the nth call on a file with an
// error, or kills the process there. One thread does all the work, so that the count is the same each time.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BIN, type CliResult, cliEnvironment, runProcess } from './cli.ts';

export interface Fault {
  /** Absolute paths of the files whose calls are counted. */
  files: readonly string[];
  /** `fsync`, `pwrite64`, … */
  call: string;
  /** `error=EIO:when=3`, `error=EIO:when=3+`, `signal=KILL:when=3`: strace(1), --inject. */
  inject: string;
}

export interface FaultyResult extends CliResult {
  /** How many calls were answered with the fault. */
  hits: number;
}

/** Runs `bursar ...args` with the fault. */
export async function runFaulty(args: readonly string[], fault: Fault, cwd: string): Promise<FaultyResult> {
  const trace = join(cwd, 'trace.txt');
  const files = fault.files.flatMap((file) => ['-P', file]);
  const options = ['-f', '-qq', '-o', trace, ...files, '-e', `inject=${fault.call}:${fault.inject}`];
  const env = cliEnvironment(cwd, { UV_THREADPOOL_SIZE: '1' });
  const result = await runProcess('strace', [...options, process.execPath, BIN, ...args], { cwd, env });
  const traced = await readFile(trace, 'utf8');
  const hits = traced.split('\n').filter((line) => /\(INJECTED|\(DELAYED|killed by SIGKILL/.test(line)).length;
  return { ...result, hits };
}
