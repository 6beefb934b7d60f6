// A progress bar on stderr for long work: rate, time left, and how the charges went. Only on a terminal: a log file
// gets nothing.
import type { SingleBar } from 'cli-progress';

export interface Counts {
  approved: number;
  declined: number;
}

export interface Progress {
  /** How far the work is, in all. */
  update(done: number, counts: Counts): void;
  stop(): void;
}

const SILENT: Progress = { update: () => undefined, stop: () => undefined };
const FORMAT =
  '{label} [{bar}] {percentage}% {value}/{total} {rate}/s ETA {eta_formatted} approved {approved} declined {declined}';

/** Begins a bar of `total` steps, or a silent one off a terminal or with `isSilent` (--json). */
export async function startProgress(label: string, total: number, options: { isSilent: boolean }): Promise<Progress> {
  if (options.isSilent || !process.stderr.isTTY || total === 0) return SILENT;
  const { default: cliProgress } = await import('cli-progress');
  const bar = new cliProgress.SingleBar({
    format: FORMAT,
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
    etaBuffer: 200,
  });
  bar.start(total, 0, { label, rate: '-', approved: 0, declined: 0 });
  return barProgress(bar, process.hrtime.bigint());
}

function barProgress(bar: SingleBar, startedNs: bigint): Progress {
  return {
    update: (done, { approved, declined }) => {
      const seconds = Number(process.hrtime.bigint() - startedNs) / 1e9;
      const rate = seconds > 0.2 ? Math.round(done / seconds) : '-';
      bar.update(done, { rate, approved, declined });
    },
    stop: () => bar.stop(),
  };
}
