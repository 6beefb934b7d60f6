// Lists of any length in pages, so that they take constant memory: each page begins behind the last row of the one before.

/** The first page is about what a table shows by default, since most lists end there. */
const FIRST_PAGE = 100;
const PAGE = 1000;

type Fetch<Row> = (limit: number, before: Row | undefined) => Promise<readonly Row[]>;

/** A view of every row that `fetch` gives, in its order. */
export function pages<Row, View>(fetch: Fetch<Row>, toView: (row: Row) => View): AsyncGenerator<View> {
  return pagesOf(fetch, (rows) => rows.map(toView));
}

/** The same where the views of a whole page are made together, with one query for all that they look up. */
export async function* pagesOf<Row, View>(
  fetch: Fetch<Row>,
  toViews: (rows: readonly Row[]) => Promise<readonly View[]> | readonly View[],
): AsyncGenerator<View> {
  let before: Row | undefined;
  for (let limit = FIRST_PAGE; ; limit = PAGE) {
    const rows = await fetch(limit, before);
    yield* await toViews(rows);
    if (rows.length < limit) return;
    before = rows.at(-1);
  }
}
