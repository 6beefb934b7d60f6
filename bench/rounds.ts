// Fair timing on a machine that is shared: the things compared take turns, what earlier rounds left unwritten is flushed
// before each, and the median of their rounds counts.
import { spawnSync } from 'node:child_process';

export interface Candidate {
  name: string;
  /** Not timed. */
  prepare?: () => void | Promise<void>;
  /** Timed as a whole, unless it answers with the milliseconds that count. */
  run: () => Measured | Promise<Measured>;
  /** Held against the first candidate, which is the floor. */
  goal?: Goal;
}

// biome-ignore lint/suspicious/noConfusingVoidType: what is timed as a whole returns nothing
type Measured = number | void;

/** `atMost`: times the floor's time. `atLeast`: of the floor's rate, which is the floor's time by this one's. */
export type Goal = { atMost: number } | { atLeast: number };

export interface Timed {
  name: string;
  medianMs: number;
  /** To the first candidate's median. */
  ratio: number;
  goal: Goal | null;
}

/** Runs each candidate once a round, after one that is not counted and warms caches (`warmUps` of 0: at once). */
export async function alternate(candidates: readonly Candidate[], rounds: number, warmUps = 1): Promise<Timed[]> {
  const times = candidates.map((): number[] => []);
  for (let round = -warmUps; round < rounds; round += 1) {
    for (const [index, candidate] of candidates.entries()) {
      await candidate.prepare?.();
      // A disk that is still flushing earlier work halves what is measured.
      spawnSync('sync');
      const startedAt = performance.now();
      const own = await candidate.run();
      const ms = typeof own === 'number' ? own : performance.now() - startedAt;
      if (round >= 0) times[index]?.push(ms);
    }
  }
  const medians = times.map(median);
  const floor = medians[0] ?? Number.NaN;
  return candidates.map(({ name, goal }, index) => {
    const medianMs = medians[index] ?? Number.NaN;
    return { name, medianMs, ratio: medianMs / floor, goal: goal ?? null };
  });
}

export function isMet({ ratio, goal }: Pick<Timed, 'ratio' | 'goal'>): boolean {
  if (goal === null) return true;
  return 'atMost' in goal ? ratio <= goal.atMost : 1 / ratio >= goal.atLeast;
}

/** Prints a table of what was timed; false when a goal is missed. `count`: how many things each of them did. */
export function report(timed: readonly Timed[], count: number | null = null): boolean {
  for (const row of timed) console.log(formatTimed(row, count));
  return timed.every(isMet);
}

/** One line of a result table: name, median, rate, ratio, and the goal it is held against. */
function formatTimed(row: Timed, count: number | null): string {
  const { name, medianMs, ratio, goal } = row;
  const rate = count === null ? '' : `  ${Math.round((count / medianMs) * 1000).toLocaleString('en')}/s`.padStart(14);
  const isRate = goal !== null && 'atLeast' in goal;
  const shown = isRate ? `${(1 / ratio).toFixed(2)} of the rate` : `${ratio.toFixed(2)}x`;
  return `${name.padEnd(36)} ${medianMs.toFixed(medianMs < 10 ? 2 : 0).padStart(8)} ms${rate}  ${shown}${verdict(row)}`;
}

function verdict({ ratio, goal }: Timed): string {
  if (goal === null) return '';
  const wanted = 'atMost' in goal ? `at most ${goal.atMost}x` : `at least ${goal.atLeast}`;
  return `  (goal: ${wanted}) ${isMet({ ratio, goal }) ? 'met' : 'MISSED'}`;
}

/** One figure against a limit of its own, such as memory; false when it is above. */
export function reportLimit(name: string, value: number, unit: string, atMost: number): boolean {
  const met = value <= atMost;
  console.log(
    `${name.padEnd(36)} ${value.toFixed(0).padStart(8)} ${unit}  (goal: at most ${atMost}) ${met ? 'met' : 'MISSED'}`,
  );
  return met;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
