// The open bank: requests that arrive while one batch is being executed are executed together in the next transaction,
// so that one process gets thousands of requests a second out of a file that many processes share.
import type { Clock } from '../../clock.ts';
import { refundFailsAt } from './bank.ts';
import { allRefusals, countPayments, executedPage, openBankDatabase } from './bank-store.ts';
import { type BankCommand, executeBatch } from './batch.ts';
import type { Executed, Refusal } from './payment.ts';
import type { BankReply } from './replies.ts';
import { type BankTerms, bankTerms, type SimulatedConfig } from './terms.ts';

const LARGEST_BATCH = 1_000;
const PAGE_LINES = 1_000;

export interface ListingPage {
  lines: Executed[];
  /** Where the next page begins. */
  lastRow: number;
}

export interface Bank {
  readonly path: string;
  readonly terms: BankTerms;
  submit(command: BankCommand): Promise<BankReply>;
  /** Up to 1,000 lines of what was executed in `sinceMs..untilMs`, after row `afterRow` (0 to begin with). */
  page(range: { afterRow: number; sinceMs: number; untilMs: number }): Promise<ListingPage>;
  nowMs(): number;
  /** Up to when lists show what was executed: `listLagMs` ago. */
  visibleUntilMs(): number;
  /** All that was executed by now, page by page, in the order it was decided. */
  listing(): AsyncIterable<readonly Executed[]>;
  /** Second collections that payment objects refused. */
  refusals(): Promise<Refusal[]>;
  countPayments(): Promise<number>;
  /** Ends what is queued, then closes the file. */
  close(): Promise<void>;
}

interface Waiting {
  command: BankCommand;
  resolve: (reply: BankReply) => void;
  reject: (error: unknown) => void;
}

/** Opens the bank at `path` (`:memory:` for one that is gone when closed); makes it if there is none. */
export async function openBank(options: {
  path: string;
  clock: Clock;
  config?: SimulatedConfig;
  /** How long the first request of a batch waits for more. Every batch costs the same few statements. */
  gatherMs?: number;
}): Promise<Bank> {
  const { path, clock, gatherMs = 0 } = options;
  const terms = bankTerms(options.config ?? {});
  const db = await openBankDatabase(path, clock);
  const serially = serialQueue();
  const submit = batcher((commands) => serially(() => executeBatch(db, commands, terms, clock.nowMs())), gatherMs);
  const page: Bank['page'] = async (range) => {
    const { lines, lastRow } = await serially(() => executedPage(db, { ...range, limit: PAGE_LINES }));
    const nowMs = clock.nowMs();
    return { lines: lines.map(({ token, ...line }) => asItStands(line, token, terms, nowMs)), lastRow };
  };
  return {
    path,
    terms,
    submit,
    page,
    nowMs: () => clock.nowMs(),
    visibleUntilMs: () => clock.nowMs() - terms.listLagMs,
    listing: () => pages(page, clock.nowMs()),
    refusals: () => serially(() => allRefusals(db)),
    countPayments: () => serially(() => countPayments(db)),
    close: () => serially(() => db.destroy()),
  };
}

/** A line with the failure that has befallen it by now. */
function asItStands(line: Executed, token: string, terms: BankTerms, nowMs: number): Executed {
  const failsAt = refundFailsAt(line, token, terms);
  return failsAt === null || failsAt > nowMs ? line : { ...line, failedAt: failsAt };
}

async function* pages(page: Bank['page'], untilMs: number): AsyncGenerator<readonly Executed[]> {
  let afterRow = 0;
  for (;;) {
    const { lines, lastRow } = await page({ afterRow, sinceMs: 0, untilMs });
    if (lines.length > 0) yield lines;
    if (lines.length < PAGE_LINES) return;
    afterRow = lastRow;
  }
}

/** Runs tasks one after another, whatever the ones before came to. */
function serialQueue(): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const next = last.then(task, task);
    last = next.catch(() => undefined);
    return next;
  };
}

/** Gathers commands while a batch is under way; each waits for the batch it is in. */
function batcher(
  execute: (commands: readonly BankCommand[]) => Promise<BankReply[]>,
  gatherMs: number,
): Bank['submit'] {
  let queue: Waiting[] = [];
  let isRunning = false;

  const gather = (next: () => void): void => {
    if (gatherMs > 0) setTimeout(next, gatherMs);
    else setImmediate(next);
  };

  async function run(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.slice(0, LARGEST_BATCH);
      queue = queue.slice(LARGEST_BATCH);
      try {
        const replies = await execute(batch.map(({ command }) => command));
        for (const [index, waiting] of batch.entries()) {
          const reply = replies[index];
          if (reply === undefined) waiting.reject(new Error('the bank gave no reply'));
          else waiting.resolve(reply);
        }
      } catch (error) {
        for (const waiting of batch) waiting.reject(error);
      }
      // Whoever was answered may ask again at once: what comes in the same turn belongs to the next batch.
      await new Promise<void>((resolve) => gather(resolve));
    }
    isRunning = false;
  }

  return (command) =>
    new Promise((resolve, reject) => {
      queue.push({ command, resolve, reject });
      if (isRunning) return;
      isRunning = true;
      gather(() => void run());
    });
}
