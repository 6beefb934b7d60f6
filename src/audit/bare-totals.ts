// The totals of a page that `csvOfBarePage` reads, counted as it goes: in SQL they take a scan of their own, a sixth of an
// export's time.
import { BARE_COLUMNS } from './export-columns.ts';
import { MOVING_RESULTS, moneyMoved, TotalsCounter } from './export-totals.ts';

const placeOf = (column: (typeof BARE_COLUMNS)[number]): number => BARE_COLUMNS.indexOf(column);
const ACTION = placeOf('action');
const RESULT = placeOf('result');
const CURRENCY = placeOf('currency');
const AMOUNT = placeOf('amount_minor');

/** Most rows tell of no money, which their result's first letter shows already. */
const FIRST_LETTERS: ReadonlySet<number | undefined> = new Set(MOVING_RESULTS.map((result) => result.charCodeAt(0)));

export class BareTotals {
  readonly #page: Buffer;
  readonly #counter = new TotalsCounter();

  constructor(page: Buffer) {
    this.#page = page;
  }

  /** `starts`: where the record's cells start, as `csvOfBarePage` tells it. */
  add(starts: Int32Array): void {
    if (!FIRST_LETTERS.has(this.#page[starts[RESULT] as number])) return;
    const [action, result] = [this.#cell(starts, ACTION), this.#cell(starts, RESULT)];
    if (moneyMoved(action, result) === null) return;
    const currency = this.#cell(starts, CURRENCY) || null;
    this.#counter.add({ action, result, currency, amount_minor: Number(this.#cell(starts, AMOUNT)) });
  }

  list(): ReturnType<TotalsCounter['list']> {
    return this.#counter.list();
  }

  #cell(starts: Int32Array, column: number): string {
    return this.#page.toString('utf8', starts[column], (starts[column + 1] as number) - 1);
  }
}
