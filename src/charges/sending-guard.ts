// What stands between a book and every socket: a commit that something will be sent under counts itself in the book, and
// before the first byte leaves, that number is kept outside of the book. A book that knows of less than was sent from it
// is in quarantine. Our clock is held against the book's and the gateways'.
import { type Author, appendAudit } from '../audit/audit.ts';
import type { Clock } from '../clock.ts';
import { BursarError } from '../errors.ts';
import type { Gateway } from '../gateways/gateway.ts';
import type { Db } from '../storage/db.ts';
import { Mark } from '../storage/mark.ts';
import type { Book } from '../storage/open.ts';
import { writeTrx } from '../storage/trx.ts';
import { CLOCK_TOLERANCE_MS, clockReason, clockRefused } from './clock-guard.ts';
import {
  beginQuarantine,
  deleteClockFault,
  endQuarantine,
  type GuardRow,
  insertClockFault,
  raiseOpenSequence,
  readGuard,
  reconciledGateways,
} from './guard-store.ts';
import { ANOTHER_COPY, isNewQuarantine, quarantined, quarantineReason } from './quarantine.ts';

export interface GuardPorts {
  book: Book;
  clock: Clock;
  author: Author;
  /** The user's state directory for bursar; asked for when something is to be sent. */
  stateFolder: () => string;
}

/** What holds at one moment. */
export interface Standing {
  row: GuardRow;
  mark: number;
  /** Why nothing may be sent to this gateway (`null`: to none at all), or `null`. */
  refusal(gateway: string | null): BursarError | null;
}

export class SendingGuard {
  readonly #ports: GuardPorts;
  readonly #sequences = new WeakMap<object, number>();
  #mark: Mark | null = null;
  /** The highest number that a commit of this process may have, and the highest that is known to be kept. */
  #raised = 0;
  #kept = 0;
  /** Gateways that the book holds a wrong clock against, as last read; `null` before that. */
  #offClocks: ReadonlySet<string> | null = null;
  #keeping: Promise<unknown> = Promise.resolve();

  constructor(ports: GuardPorts) {
    this.#ports = ports;
  }

  get mark(): Mark {
    this.#mark ??= new Mark(this.#ports.stateFolder(), this.#ports.book.bookId);
    return this.#mark;
  }

  /**
   * Reads the mark, then the book: whoever raised the mark had committed before. In a trx, or through the reader.
   * BursarError(`state_unwritable`) where the mark can't be read.
   */
  async standing(db: Db): Promise<Standing> {
    const mark = await this.mark.highest();
    const row = await readGuard(db);
    this.#offClocks = new Set(row.clockFaults.keys());
    const nowMs = this.#ports.clock.nowMs();
    return {
      row,
      mark,
      refusal: (gateway) => {
        const quarantine = quarantineReason(row, mark);
        if (quarantine !== null) return quarantined(quarantine);
        const clock = clockReason(row, nowMs, gateway);
        return clock === null ? null : clockRefused(clock);
      },
    };
  }

  /** Refuses what could not be sent anyway, before anything is written. */
  async assertMaySend(gateway: string | null): Promise<void> {
    await this.mark.prepare();
    const refusal = (await this.standing(this.#ports.book.reader)).refusal(gateway);
    if (refusal !== null) throw refusal;
  }

  /** A commit that something may be sent under, if `work` says so with `raise`. The mark is kept by `letOut`. */
  async commit<T>(work: (trx: Db) => Promise<T>): Promise<T> {
    await this.mark.prepare();
    let begun: object | null = null;
    const note = (): void => {
      this.#raised = Math.max(this.#raised, (begun === null ? 0 : this.#sequences.get(begun)) ?? 0);
    };
    try {
      const done = await writeTrx(this.#ports.book, (trx) => {
        begun = trx;
        return work(trx);
      });
      note();
      return done;
    } catch (error) {
      // It may stand in the book all the same; `letOut` looks.
      if (error instanceof BursarError && error.code === 'commit_unknown') note();
      throw error;
    }
  }

  /** Counts the commit of this trx. */
  async raise(trx: Db): Promise<void> {
    this.#sequences.set(trx, await raiseOpenSequence(trx, this.#ports.clock.nowMs()));
  }

  /**
   * Right before a socket: everything that this process has committed to send is kept in the mark, durably, or the
   * standing refuses. BursarError(`state_unwritable`) where it can't be kept: then nothing may be sent.
   */
  letOut(): Promise<Standing> {
    // One at a time: a number that this very process has just kept must not look like another's.
    const next = this.#keeping.then(() => this.#letOut());
    this.#keeping = next.catch(() => undefined);
    return next;
  }

  async #letOut(): Promise<Standing> {
    const standing = await this.standing(this.#ports.book.reader);
    const { row, mark } = standing;
    if (this.#raised > row.openSequence) this.#raised = this.#kept; // That commit never came to be.
    if (this.#raised <= this.#kept || standing.refusal(null) !== null) return standing;
    // Another process of this book has gone further, or the number is ours to keep: nobody else has it.
    const isKept = mark > this.#raised || (await this.mark.keep(this.#raised)) === 'kept';
    if (isKept) {
      this.#kept = this.#raised;
      return standing;
    }
    await this.quarantine(ANOTHER_COPY, this.#raised);
    return this.standing(this.#ports.book.reader);
  }

  /** From now on nothing is sent from this book. */
  async quarantine(reason: string, mark: number): Promise<void> {
    const { book, clock, author } = this.#ports;
    await writeTrx(book, async (trx) => {
      const since = clock.nowMs();
      await beginQuarantine(trx, { since, reason, mark });
      await appendAudit(trx, author, since, [
        { subject: 'book', action: 'book.quarantine', after: { mark }, result: 'quarantined', reason },
      ]);
    });
  }

  /**
   * Ends the quarantine if every gateway in use has been reconciled since it began. The book's number is raised above the
   * mark, and the mark with it, so that any other copy of the book is the older one from now on.
   */
  async lift(inUse: readonly string[]): Promise<{ lifted: boolean; waitsFor: string[] }> {
    const { book, clock, author } = this.#ports;
    const nowMs = clock.nowMs();
    const result = await writeTrx(book, async (trx) => {
      const { row, mark } = await this.standing(trx);
      if (row.quarantine === null) return { openSequence: null, waitsFor: [] };
      const done = await reconciledGateways(trx);
      // More was sent from another copy meanwhile: all that was read may be incomplete.
      const waitsFor = isNewQuarantine(row, mark) ? [...inUse] : inUse.filter((gateway) => !done.has(gateway));
      if (waitsFor.length > 0) return { openSequence: null, waitsFor };
      const openSequence = Math.max(mark, row.openSequence) + 1;
      await endQuarantine(trx, openSequence);
      await appendAudit(trx, author, nowMs, [
        {
          subject: 'book',
          action: 'book.quarantine',
          before: { since: new Date(row.quarantine.since).toISOString(), openSequence: row.openSequence, mark },
          after: { openSequence, gateways: [...done] },
          result: 'lifted',
          reason: row.quarantine.reason,
        },
      ]);
      return { openSequence, waitsFor };
    });
    if (result.openSequence === null) return { lifted: false, waitsFor: result.waitsFor };
    this.#raised = Math.max(this.#raised, result.openSequence);
    const { row, mark } = await this.letOut();
    return { lifted: quarantineReason(row, mark) === null, waitsFor: [] };
  }

  /** Holds the clock of a gateway that has just answered against ours, for every process of the book. */
  async sawClock({ name, clockOffsetMs }: Pick<Gateway, 'name' | 'clockOffsetMs'>): Promise<void> {
    const offsetMs = clockOffsetMs?.() ?? null;
    if (offsetMs === null) return;
    const { book, clock, author } = this.#ports;
    const isOff = Math.abs(offsetMs) > CLOCK_TOLERANCE_MS;
    const known = this.#offClocks ?? new Set((await readGuard(book.reader)).clockFaults.keys());
    this.#offClocks = known;
    if (isOff === known.has(name)) return;
    await writeTrx(book, async (trx) => {
      const nowMs = clock.nowMs();
      if (isOff) await insertClockFault(trx, name, offsetMs, nowMs);
      else if (!(await deleteClockFault(trx, name))) return;
      await appendAudit(trx, author, nowMs, [
        {
          subject: 'clock',
          action: isOff ? 'clock.fault' : 'clock.clear',
          after: { offsetMs: Math.round(offsetMs) },
          result: isOff ? 'refusing' : 'agreed',
          gateway: name,
        },
      ]);
    });
    this.#offClocks = new Set(isOff ? [...known, name] : [...known].filter((each) => each !== name));
  }
}
