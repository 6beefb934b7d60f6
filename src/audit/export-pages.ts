// Walks the audit log in windows of its sequence, two of them at work in SQLite while one is written, with no more text
// in memory than that, however long the rows are.
import type { Db } from '../storage/db.ts';
import { type FetchedPage, nextSequence, type PageRange } from './export-store.ts';

/** Larger ones are no quicker, and take 70 MB more. */
const MOST_ROWS = 2000;
/** Where rows are long, pages have fewer of them. */
const PAGE_BYTES = 2 * 1024 * 1024;
/** More than two gain nothing on two cores. */
const AHEAD = 2;

/** Pages of the rows up to sequence `last`, in order; `fetch` makes one. */
export async function* pagesOfLog(
  db: Db,
  last: number,
  fetch: (range: PageRange) => Promise<FetchedPage>,
): AsyncGenerator<FetchedPage> {
  const underway: Promise<FetchedPage>[] = [];
  let from = 0;
  let size = MOST_ROWS;
  const start = (): void => {
    while (underway.length < AHEAD && from < last) {
      const range = { from, to: Math.min(from + size, last) };
      const page = fetch(range);
      // Awaited below; until then a failure is nobody's.
      page.catch(() => undefined);
      underway.push(page);
      from = range.to;
    }
  };
  try {
    start();
    for (let next = underway.shift(); next !== undefined; next = underway.shift()) {
      const page = await next;
      if (page.rows > 0) size = sizeAfter(page, size);
      // A hole in the sequence (none but in a damaged book) is stepped over at once, however wide.
      else from = Math.max(from, ((await nextSequence(db, page.range.to)) ?? last + 1) - 1);
      start();
      if (page.rows > 0) yield page;
    }
  } finally {
    await Promise.allSettled(underway);
  }
}

function sizeAfter({ rows, bytes }: FetchedPage, size: number): number {
  const fitting = Math.floor((PAGE_BYTES * rows) / Math.max(1, bytes.length));
  return Math.max(1, Math.min(MOST_ROWS, fitting, size * 2));
}
