// Fair timing on a machine that is shared: the things compared take turns, and the median of their rounds counts.
import { spawnSync } from 'node:child_process';

export interface Timed {
  name: string;
  medianMs: number;
  ratio: number;
}

export interface Candidate {
  name: string;
  run: () => void;
}

/** Runs each candidate once a round. `ratio` is to the first, which is the floor. */
export function alternate(candidates: readonly Candidate[], rounds: number): Timed[] {
  const times = candidates.map((): number[] => []);
  // The first round warms the file cache and is not counted.
  for (let round = -1; round < rounds; round += 1) {
    for (const [index, candidate] of candidates.entries()) {
      const startedNs = process.hrtime.bigint();
      candidate.run();
      if (round >= 0) times[index]?.push(Number(process.hrtime.bigint() - startedNs) / 1e6);
    }
  }
  const medians = times.map(median);
  const floor = medians[0] ?? Number.NaN;
  return candidates.map(({ name }, index) => {
    const medianMs = medians[index] ?? Number.NaN;
    return { name, medianMs, ratio: medianMs / floor };
  });
}

/** Runs Node with these arguments; a command that fails would time nothing. */
export function runNode(args: readonly string[], options: { cwd?: string } = {}): void {
  const { status, stderr } = spawnSync(process.execPath, args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}: ${stderr}`);
}

/** One line of a result table: name, median, ratio, and the goal it is held against. */
export function formatTimed({ name, medianMs, ratio }: Timed, goal: number | null): string {
  const verdict = goal === null ? '' : `  goal ${goal.toFixed(1)}x  ${ratio <= goal ? 'met' : 'MISSED'}`;
  return `${name.padEnd(28)} ${medianMs.toFixed(0).padStart(6)} ms  ${ratio.toFixed(2)}x${verdict}`;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
