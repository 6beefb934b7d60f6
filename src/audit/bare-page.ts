// Makes CSV of a page in which SQLite wrote every cell bare, where that comes out as if each cell had been escaped by the
// rules of csv.ts; any other page, which is rare, SQLite has to write again cell by cell. So SQLite only joins columns:
// 1.9 s for 1 M rows instead of 4.3 s with the quotes of JSON, the ISO time and the decimal amount, and 11 s with every
// cell escaped. The one pass over the bytes that finds out whether they may stay bare writes the rest (0.9 s), beside
// SQLite's own threads.

const COMMA = 0x2c;
const QUOTE = 0x22;
const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const Z = 0x5a;
const BRACE = 0x7b;

/** Stands before and behind every JSON cell of a page, since JSON is full of commas; in JSON itself it is escaped. */
export const JSON_MARK = 0x1f;

// What csv.ts quotes or marks when a cell begins with it: TAB LF space " ' + - = @ (CR ends the last cell of a record).
const BAD_START = setOf(0x09, LF, SPACE, QUOTE, 0x27, 0x2b, 0x2d, 0x3d, 0x40);
/** What ends a bare cell, rightly or wrongly. */
const ENDS_BARE = setOf(COMMA, CR, LF, QUOTE, JSON_MARK);

/** 1 for each of these bytes. */
function setOf(...codes: number[]): Uint8Array {
  const set = new Uint8Array(256);
  for (const code of codes) set[code] = 1;
  return set;
}

/**
 * `text` and `time` are never null. `time`: epoch milliseconds, before which the same time is written in ISO 8601.
 * `money`: minor units right behind their currency, after which the decimal amount is written.
 */
export type CellKind = 'text' | 'nullable' | 'json' | 'time' | 'money';

export interface PageShape {
  rows: number;
  /** The columns of a record. */
  cells: readonly CellKind[];
  /** How many JSON cells of the page are not null. */
  jsonCells: number;
  /** How many decimals each currency has, by its `currencyKey`; any other is none. */
  exponents: ReadonlyMap<number, number>;
}

/** 10^15 minor units have 16 digits: what is longer is no amount of ours. */
const MOST_DIGITS = 15;
/** The last time that 24 characters of ISO 8601 can tell. */
const LAST_TIME_MS = 253_402_300_799_999;
const DAY_MS = 86_400_000;

/**
 * The page as CSV, or null where a cell would have to be escaped. Counting shows that no cell holds what separates cells:
 * each mark of the page opens or closes a JSON cell that was read, and there are as many of those as the page has, so
 * every one is real; outside of them each comma and line break ended a cell that was read, and of those, too, there are
 * as many as the page has.
 *
 * What is answered is overwritten by the next call: a page of garbage each time would pile up faster than it is collected.
 * `onRecord` hears where the cells of each record start in `page`; each ends a separator before the next one, the last
 * before the start behind it.
 */
export function csvOfBarePage(
  page: Buffer,
  { rows, cells, jsonCells, exponents }: PageShape,
  onRecord: (starts: Int32Array) => void = () => undefined,
): Buffer | null {
  // No cell is read past it.
  if (page[page.length - 1] !== LF) return null;
  // Each byte of JSON may be a quote; a record gets a time, an amount and four quotes more.
  const out = scratchOf(2 * page.length + 64 * rows);
  const pageView = new DataView(page.buffer, page.byteOffset, page.length);
  const outView = new DataView(out.buffer, out.byteOffset, out.length);
  const iso = new IsoTimes();
  const starts = new Int32Array(cells.length + 1);
  let [at, to, jsonRead] = [0, 0, 0];
  for (let row = 0; row < rows; row += 1) {
    let start = at;
    for (let column = 0; column < cells.length; column += 1) {
      const kind = cells[column];
      const before = start;
      start = at;
      starts[column] = at;
      if (kind === 'json' && page[at] === JSON_MARK) {
        const end = page.indexOf(JSON_MARK, at + 1);
        // Any that isn't empty begins so: it needs quotes, and no apostrophe.
        if (end < 0 || page[at + 1] !== BRACE || page[at + 2] !== QUOTE) return null;
        to = copyQuoted(pageView, at + 1, end, outView, to);
        at = end + 1;
        jsonRead += 1;
      } else {
        if (kind === 'time') {
          const timeMs = numberAt(page, at);
          if (timeMs > LAST_TIME_MS) return null;
          to = iso.write(timeMs, out, to);
          out[to++] = COMMA;
        }
        at = copyBare(pageView, page.length, start, outView, to);
        // The empty text has quotes; only null has nothing.
        if (at < 0 || (at === start && (kind === 'text' || kind === 'time'))) return null;
        to += at - start;
        if (kind === 'money') {
          if (at - start > MOST_DIGITS) return null;
          out[to++] = COMMA;
          const exponent = at > start ? exponents.get(currencyKey(page, before, start - 1)) : undefined;
          if (exponent !== undefined) to = copyDecimal(page, start, at, exponent, out, to);
        }
      }
      const separator = column === cells.length - 1 ? CR : COMMA;
      if (page[at] !== separator) return null;
      out[to++] = separator;
      at += 1;
    }
    if (page[at] !== LF) return null;
    starts[cells.length] = at;
    onRecord(starts);
    out[to++] = LF;
    at += 1;
  }
  return at === page.length && jsonRead === jsonCells ? out.subarray(0, to) : null;
}

let scratch = Buffer.alloc(0);

function scratchOf(length: number): Buffer {
  if (scratch.length < length) scratch = Buffer.allocUnsafe(length);
  return scratch;
}

/**
 * Copies a cell as it is; returns where it ends, or -1 for one that would have to be escaped. Four bytes at a time, since
 * these two loops are most of the pass: what is copied from behind the cell is written over by what belongs there.
 * `length` is the page's, which a DataView is slow to tell.
 */
function copyBare(page: DataView, length: number, start: number, out: DataView, to: number): number {
  if (start >= length || BAD_START[page.getUint8(start)] === 1) return -1;
  const shift = to - start;
  let at = start;
  for (;;) {
    if (at + 4 > length) {
      const byte = page.getUint8(at);
      if (ENDS_BARE[byte] === 1) break;
      out.setUint8(at + shift, byte);
      at += 1;
      continue;
    }
    const word = page.getInt32(at, true);
    out.setInt32(at + shift, word, true);
    const low = below(word, COMMA + 1);
    if (low === 0) at += 4;
    else {
      at += firstOf(low);
      if (ENDS_BARE[page.getUint8(at)] === 1) break;
      at += 1;
    }
  }
  return at > start && page.getUint8(at - 1) === SPACE ? -1 : at;
}

/** Marks the bytes of the word that are below `limit` (at most 128) by their highest bits; only the lowest mark is sure. */
function below(word: number, limit: number): number {
  return (word - limit * 0x01010101) & ~word & 0x80808080;
}

/** The place of the lowest marked byte, which comes first in the page. */
function firstOf(marks: number): number {
  return (31 - Math.clz32(marks & -marks)) >> 3;
}

/** Writes times in ISO 8601; the day, which many rows have in common, is asked of Date once. */
class IsoTimes {
  #day = Number.NaN;
  readonly #date = Buffer.alloc('2026-01-31T'.length);

  /** Returns where it ends in `out`. */
  write(timeMs: number, out: Buffer, from: number): number {
    const day = Math.floor(timeMs / DAY_MS);
    if (day !== this.#day) this.#date.write(new Date(timeMs).toISOString(), 'latin1');
    this.#day = day;
    const ms = timeMs - day * DAY_MS;
    let to = from + this.#date.copy(out, from);
    to = writeTwo(Math.floor(ms / 3_600_000), out, to, COLON);
    to = writeTwo(Math.floor(ms / 60_000) % 60, out, to, COLON);
    to = writeTwo(Math.floor(ms / 1000) % 60, out, to, POINT);
    out[to++] = ZERO + (Math.floor(ms / 100) % 10);
    return writeTwo(ms % 100, out, to, Z);
  }
}

function writeTwo(value: number, out: Buffer, to: number, behind: number): number {
  out[to] = ZERO + Math.floor(value / 10);
  out[to + 1] = ZERO + (value % 10);
  out[to + 2] = behind;
  return to + 3;
}

/** The digits at `start` as a number. */
function numberAt(page: Buffer, start: number): number {
  let value = 0;
  let at = start;
  for (let byte = page[at] as number; byte >= ZERO && byte <= NINE; byte = page[++at] as number) {
    value = value * 10 + (byte - ZERO);
  }
  return value;
}

/** Three letters as one number; 0 for any other length. */
export function currencyKey(text: Buffer, start: number, end: number): number {
  if (end - start !== 3) return 0;
  return ((text[start] as number) << 16) | ((text[start + 1] as number) << 8) | (text[start + 2] as number);
}

/** Writes minor units with a point before the last `exponent` digits; returns where they end in `out`. */
function copyDecimal(page: Buffer, start: number, end: number, exponent: number, out: Buffer, from: number): number {
  let to = from;
  for (let place = Math.max(end - start, exponent + 1); place > 0; place -= 1) {
    if (place === exponent) out[to++] = POINT;
    out[to++] = end - place < start ? ZERO : (page[end - place] as number);
  }
  return to;
}

/** Copies a cell of JSON with the quotes that CSV asks for; returns where it ends in `out`. */
function copyQuoted(page: DataView, start: number, end: number, out: DataView, from: number): number {
  let to = from;
  out.setUint8(to++, QUOTE);
  for (let at = start; at < end; ) {
    // Four bytes are always there: behind the last of them come a mark and the end of the record.
    const word = page.getInt32(at, true);
    out.setInt32(to, word, true);
    const quotes = below(word ^ (QUOTE * 0x01010101), 1);
    const step = quotes === 0 ? 4 : firstOf(quotes);
    if (at + step >= end) {
      to += end - at;
      break;
    }
    at += step;
    to += step;
    if (quotes === 0) continue;
    out.setInt16(to, QUOTE * 0x0101, true);
    at += 1;
    to += 2;
  }
  out.setUint8(to++, QUOTE);
  return to;
}
