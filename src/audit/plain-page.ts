// Tells whether a page of CSV whose text cells were written bare is the same as with every cell escaped by the rules of
// csv.ts. One pass over the bytes costs 0.5 s for 1 M rows, while SQLite is busy with the next page; asking SQLite for
// each of 16 text cells costs it 9 s.

const COMMA = 0x2c;
const QUOTE = 0x22;
const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;

// What csv.ts quotes or marks when a cell begins with it: TAB CR LF space " ' + - = @
const BAD_START = new Uint8Array(256);
for (const code of [0x09, CR, LF, SPACE, QUOTE, 0x27, 0x2b, 0x2d, 0x3d, 0x40]) BAD_START[code] = 1;

// What ends a bare cell, rightly or wrongly: comma CR LF "
const ENDS_BARE = new Uint8Array(256);
for (const code of [COMMA, CR, LF, QUOTE]) ENDS_BARE[code] = 1;

/** Text that is never null, text or a number that may be, JSON that may be. */
export type CellKind = 'text' | 'nullable' | 'json';

export interface PageShape {
  rows: number;
  /** The columns of a record. */
  cells: readonly CellKind[];
  /** How many JSON cells of the page are not null. */
  jsonCells: number;
}

/**
 * True when every bare cell of the page reads back as itself. Counting shows it: a comma or line break inside of a cell
 * makes more cells or records than there are; and a bare cell that passes for a quoted one makes more quoted ones, since
 * nothing between two quotes can hold a real quoted cell (its opening quote is followed by `{`).
 */
export function isPlainPage(page: Buffer, { rows, cells, jsonCells }: PageShape): boolean {
  const columns = cells.length;
  let at = 0;
  let quoted = 0;
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const start = at;
      const kind = cells[column];
      if (kind === 'json' && page[at] === QUOTE) {
        quoted += 1;
        at = afterQuoted(page, at);
      } else at = afterBare(page, at);
      if (at < 0 || page[at] !== (column === columns - 1 ? CR : COMMA)) return false;
      // The empty text has quotes; only null has nothing.
      if (at === start && kind === 'text') return false;
      at += 1;
    }
    if (page[at] !== LF) return false;
    at += 1;
  }
  return at === page.length && quoted === jsonCells;
}

/** Where a bare cell ends, or -1 for one that would have to be escaped. */
function afterBare(page: Buffer, start: number): number {
  let at = start;
  let byte = page[at] ?? CR;
  if (BAD_START[byte] === 1 && byte !== CR) return -1;
  while (ENDS_BARE[byte] === 0) {
    at += 1;
    byte = page[at] ?? CR;
  }
  return at > start && page[at - 1] === SPACE ? -1 : at;
}

/** Behind the closing quote, or -1. JSON has so many quotes that one `indexOf` for each is slower. */
function afterQuoted(page: Buffer, start: number): number {
  const { length } = page;
  for (let at = start + 1; at < length; at += 1) {
    if (page[at] !== QUOTE) continue;
    at += 1;
    if (page[at] !== QUOTE) return at;
  }
  return -1;
}
