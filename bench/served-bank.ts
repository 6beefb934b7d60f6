// The simulated bank in a process of its own, as a provider is.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { BIN } from './child.ts';

/**
 * Serves a bank that answers after `latencyMs` and turns away what is above `cap` a second. It keeps nothing on the disk, so
 * that what is measured has the disk to itself.
 */
export async function serveBank(
  cwd: string,
  latencyMs: number,
  cap: number | null,
): Promise<{ url: string; stop(): void }> {
  const rate = cap === null ? [] : ['--rate-limit', String(cap)];
  const args = ['bank', 'serve', '--port', '0', '--file', ':memory:', '--latency-ms', String(latencyMs), ...rate];
  const child = spawn(process.execPath, [BIN, ...args, '--json'], { cwd, stdio: ['ignore', 'pipe', 'ignore'] });
  for await (const line of createInterface({ input: child.stdout })) {
    const { url } = JSON.parse(line) as { url: string };
    return { url, stop: () => child.kill() };
  }
  throw new Error('the bank did not start');
}
