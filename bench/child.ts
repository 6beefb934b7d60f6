// Whole processes, as a user starts them, with what they took.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const BIN = fileURLToPath(new URL('../bin/run.js', import.meta.url));
const PEAK_MEMORY = pathToFileURL(fileURLToPath(new URL('./peak-memory.mjs', import.meta.url))).href;

export interface Ran {
  ms: number;
  stdout: string;
  stderr: string;
  /** The most memory that was resident, in megabytes of 1,000,000 bytes; of those that `runNode` ran, else NaN. */
  peakMb: number;
}

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
  /** A file that stdout goes to instead of `stdout`. */
  out?: string;
  input?: string;
}

/** Runs a program to its end; one that fails would measure nothing, so it throws. */
export async function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const folder = mkdtempSync(join(tmpdir(), 'bursar-bench-'));
  const peakFile = join(folder, 'peak');
  const out = options.out === undefined ? 'pipe' : openSync(options.out, 'w');
  try {
    const env = { ...process.env, ...options.env, BENCH_PEAK_FILE: peakFile };
    const startedAt = performance.now();
    const child = spawn(program, args, { cwd: options.cwd, env, stdio: ['pipe', out, 'pipe'] });
    const texts = { stdout: '', stderr: '' };
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (texts.stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (texts.stderr += text));
    child.stdin?.end(options.input ?? '');
    const status = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    const ms = performance.now() - startedAt;
    if (status !== 0)
      throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${texts.stderr}${texts.stdout}`);
    const peakMb = existsSync(peakFile) ? Number(readFileSync(peakFile, 'utf8')) / 1e6 : Number.NaN;
    return { ms, ...texts, peakMb };
  } finally {
    if (typeof out === 'number') closeSync(out);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs Node; it says how much memory it took when it ends. */
export function runNode(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return run(process.execPath, ['--import', PEAK_MEMORY, ...args], options);
}

/** Runs the built bursar. */
export function bursar(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return runNode([BIN, ...args], options);
}
