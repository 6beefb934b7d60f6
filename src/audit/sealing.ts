// Sealing while a long run or import writes: its rows are sealed a piece at a time, so that little is left to seal when it ends.
import type { Clock } from '../clock.ts';
import { BursarError } from '../errors.ts';
import type { Book } from '../storage/open.ts';
import { sealPart } from './seal.ts';

/** Seals of a run have so many rows at least. */
const ROWS = 5_000;
/** What a charge that is billed and collected writes. */
const ROWS_PER_CHARGE = 3;

export class Sealing {
  readonly #book: Book;
  readonly #clock: Clock;
  readonly #rows: number;
  #waiting = 0;
  #underWay: Promise<void> | null = null;

  constructor(book: Book, clock: Clock, rows = ROWS) {
    this.#book = book;
    this.#clock = clock;
    this.#rows = rows;
  }

  /** So many more rows have been written; left out: those of a charge that was collected. */
  note(rows = ROWS_PER_CHARGE): void {
    this.#waiting += rows;
    if (this.#waiting < this.#rows || this.#underWay !== null) return;
    this.#waiting = 0;
    this.#underWay = this.#seal().finally(() => {
      this.#underWay = null;
    });
    // Thrown by `end`, if it is still under way then; what is not sealed now is sealed when the command ends.
    this.#underWay.catch(() => undefined);
  }

  /** Waits for the piece that is being sealed. */
  async end(): Promise<void> {
    await this.#underWay;
  }

  async #seal(): Promise<void> {
    try {
      await sealPart(this.#book, this.#clock, this.#rows);
    } catch (error) {
      // A book that is busy or full: the rows wait for the end of the command, which tells of it.
      if (!(error instanceof BursarError)) throw error;
    }
  }
}
