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
  const bar = await startBar(FORMAT, total, { label, rate: '-', approved: 0, declined: 0 }, options);
  return bar === null ? SILENT : barProgress(bar, process.hrtime.bigint());
}

async function startBar(
  format: string,
  total: number,
  values: Record<string, string | number>,
  options: { isSilent: boolean },
): Promise<SingleBar | null> {
  if (options.isSilent || !process.stderr.isTTY || total === 0) return null;
  const { default: cliProgress } = await import('cli-progress');
  const bar = new cliProgress.SingleBar({
    format,
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
    etaBuffer: 200,
  });
  bar.start(total, 0, values);
  return bar;
}

/** Steps per second, or a dash as long as there are too few to tell. */
function rateSince(startedNs: bigint, done: number): number | string {
  const seconds = Number(process.hrtime.bigint() - startedNs) / 1e9;
  return seconds > 0.2 ? Math.round(done / seconds) : '-';
}

function barProgress(bar: SingleBar, startedNs: bigint): Progress {
  return {
    update: (done, { approved, declined }) => {
      bar.update(done, { rate: rateSince(startedNs, done), approved, declined });
    },
    stop: () => bar.stop(),
  };
}

export interface ImportProgress {
  /** How much of the file has been read, and what came of its rows. */
  update(bytes: number, rows: { rows: number; rejected: number }): void;
  stop(): void;
}

/** Begins a bar over a file of `totalBytes` that tells rows, or a silent one off a terminal or with `isSilent`. */
export async function startImportProgress(totalBytes: number, options: { isSilent: boolean }): Promise<ImportProgress> {
  const bar = await startBar(
    'Importing [{bar}] {percentage}% {rows} rows {rate}/s ETA {eta_formatted} rejected {rejected}',
    totalBytes,
    { rows: 0, rate: '-', rejected: 0 },
    options,
  );
  const startedNs = process.hrtime.bigint();
  return {
    update: (bytes, { rows, rejected }) => bar?.update(bytes, { rows, rejected, rate: rateSince(startedNs, rows) }),
    stop: () => bar?.stop(),
  };
}
