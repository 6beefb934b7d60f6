// The sealed rows of a book one after the other, in the order of seals and leaves, a page at a time.
import type { Db } from '../storage/db.ts';
import { type CheckedRow, type LeafCursor, ROWS_PER_PAGE, sealedRows } from './verify-store.ts';

/** The sealed rows one by one, the next page on its way while this one is hashed. */
export class SealedRows {
  readonly #db: Db;
  #rows: CheckedRow[] = [];
  #at = 0;
  #coming: Promise<CheckedRow[]>;

  constructor(db: Db) {
    this.#db = db;
    this.#coming = this.#fetch({ seal: 0, leaf: -1 });
  }

  async peek(): Promise<CheckedRow | null> {
    if (this.#at === this.#rows.length) {
      this.#rows = await this.#coming;
      this.#at = 0;
      const last = this.#rows.at(-1);
      const isLast = last === undefined || this.#rows.length < ROWS_PER_PAGE;
      this.#coming = isLast ? Promise.resolve([]) : this.#fetch({ seal: last.seal ?? 0, leaf: last.leaf ?? 0 });
    }
    return this.#rows[this.#at] ?? null;
  }

  skip(): void {
    this.#at += 1;
  }

  async next(): Promise<CheckedRow | null> {
    const row = await this.peek();
    this.skip();
    return row;
  }

  #fetch(after: LeafCursor): Promise<CheckedRow[]> {
    const page = sealedRows(this.#db, after);
    page.catch(() => undefined);
    return page;
  }
}
