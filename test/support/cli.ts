// Starts the built CLI as a user would, in a folder of its own and with an environment that nothing leaks into.
import { spawn } from 'node:child_process';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const BIN = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

export interface CliOptions {
  cwd?: string;
  /** Added to a small, fixed environment (UTC, no colours). */
  env?: Record<string, string>;
  /** What the command reads on stdin, which otherwise is empty. */
  input?: string;
}

export interface CliResult {
  stdout: string;
  stderr: string;
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** The environment of a command under test. `home` keeps it from reading the developer's own configuration. */
export function cliEnvironment(home: string, extra: Record<string, string> = {}): Record<string, string> {
  const { PATH = '' } = process.env;
  return {
    PATH,
    HOME: home,
    XDG_CONFIG_HOME: join(home, '.config'),
    TZ: 'UTC',
    LC_ALL: 'C.UTF-8',
    NO_COLOR: '1',
    ...extra,
  };
}

/** Runs `bursar ...args` to its end. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const cwd = options.cwd ?? tmpdir();
  const env = cliEnvironment(cwd, options.env);
  return runProcess(process.execPath, [BIN, ...args], { ...options, cwd, env });
}

/** Runs any program to its end and gathers what it printed. */
export function runProcess(program: string, args: readonly string[], options: CliOptions): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: options.cwd, env: options.env, stdio: ['pipe', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    // A command that doesn't read its input may have gone before it is written.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ stdout, stderr, code, signal }));
  });
}

/** A new empty folder. Call `remove` when done with it. */
export async function temporaryFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'bursar-')));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
