// The records of a CSV file, page by page, in memory for one page, each with its line. A line without quotes is cut at the
// delimiter here; csv-parse, which takes twenty times as long for such a line, reads the records that have quotes.
import { createReadStream } from 'node:fs';
import { assert, BursarError } from '../errors.ts';

export interface CsvRecord {
  /** Where it begins, from 1, as an editor counts. */
  line: number;
  cells: string[];
  /** It is no CSV, since a quote stands where none may: its only cell is its text. */
  isBroken: boolean;
}

export interface RecordPage {
  records: CsvRecord[];
  /** How many bytes of the file have been read, this page's included. */
  bytesRead: number;
}

const CHUNK_BYTES = 256 * 1024;
/** No record of ours is near this; an unclosed quote would otherwise take the rest of the file into memory. */
const LONGEST_RECORD = 32 * 1024 * 1024;

/**
 * Every record of the file, its heading too, without blank lines. BursarError(`corrupt_file`) where the text is not UTF-8,
 * where a quote is never closed, and where a record is too long: nothing behind that place can be read.
 */
export async function* recordPages(path: string, delimiter: string): AsyncGenerator<RecordPage> {
  const { parse } = await import('csv-parse/sync');
  const cutter = new RecordCutter(path, delimiter, (text) =>
    parse(text, { delimiter, record_delimiter: '\n', relax_column_count: true, max_record_size: LONGEST_RECORD }),
  );
  let bytesRead = 0;
  for await (const text of textOf(path)) {
    bytesRead += text.bytes;
    const records = cutter.take(text.text);
    if (records.length > 0) yield { records, bytesRead };
  }
  const records = cutter.end();
  if (records.length > 0) yield { records, bytesRead };
}

/** Refuses (`corrupt_file`) a file that is not UTF-8, before anything of it is used. Throws what `signal` is aborted with. */
export async function assertUtf8(path: string, signal: AbortSignal): Promise<void> {
  for await (const _ of textOf(path)) signal.throwIfAborted();
}

async function* textOf(path: string): AsyncGenerator<{ text: string; bytes: number }> {
  // Takes a byte order mark away.
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let line = 1;
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>) {
    yield { text: decoded(chunk), bytes: chunk.length };
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) line += 1;
  }
  yield { text: decoded(null), bytes: 0 };

  function decoded(chunk: Buffer | null): string {
    try {
      return chunk === null ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new BursarError('corrupt_file', `${path} is not UTF-8 text, at or after line ${lineOf(chunk, line)}.`, {
        hint: 'Save it as CSV in UTF-8, or convert it: iconv -f WINDOWS-1252 -t UTF-8',
        cause: error,
      });
    }
  }
}

/** The line of the first byte that no line of its own can hold; a character cut by the chunk's start counts as good. */
function lineOf(chunk: Buffer | null, firstLine: number): number {
  if (chunk === null) return firstLine;
  let line = firstLine;
  for (let from = 0; from < chunk.length; line += 1) {
    const end = chunk.indexOf(10, from);
    const text = chunk.subarray(from, end === -1 ? chunk.length : end).toString('utf8');
    if (text.includes('\ufffd')) return line;
    if (end === -1) break;
    from = end + 1;
  }
  return line;
}

/** A record whose quoted cell goes on over a line break. */
interface OpenRecord {
  line: number;
  lines: string[];
  length: number;
}

/** Cuts text that comes in pieces into records. */
class RecordCutter {
  readonly #path: string;
  readonly #delimiter: string;
  readonly #parse: (text: string) => string[][];
  readonly #endsInQuotes: RegExp;
  /** The last line of what came so far, which may go on. */
  #rest = '';
  #line = 1;
  #open: OpenRecord | null = null;

  constructor(path: string, delimiter: string, parse: (text: string) => string[][]) {
    this.#path = path;
    this.#delimiter = delimiter;
    this.#parse = parse;
    const plain = `[^"${delimiter}]*${delimiter === '|' ? '\\|' : delimiter}`;
    const quoted = `"(?:[^"]|"")*"${delimiter === '|' ? '\\|' : delimiter}`;
    this.#endsInQuotes = new RegExp(`^(?:${plain}|${quoted})*"(?:[^"]|"")*$`);
  }

  take(text: string): CsvRecord[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > LONGEST_RECORD) throw this.#tooLong(this.#line + lines.length);
    return this.#cut(lines);
  }

  end(): CsvRecord[] {
    const last = this.#rest === '' ? [] : [this.#rest];
    this.#rest = '';
    const records = this.#cut(last);
    if (this.#open !== null) throw this.#neverClosed(this.#open.line);
    return records;
  }

  #cut(lines: readonly string[]): CsvRecord[] {
    const records: CsvRecord[] = [];
    const quoted: { record: CsvRecord; text: string }[] = [];
    const take = (line: number, text: string): void => {
      const record: CsvRecord = { line, cells: [text], isBroken: true };
      records.push(record);
      quoted.push({ record, text });
    };
    for (const raw of lines) {
      const line = this.#line;
      this.#line += 1;
      const text = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
      if (this.#open !== null) this.#goOn(this.#open, raw, text, take);
      else if (!text.includes('"')) {
        if (text !== '') records.push({ line, cells: text.split(this.#delimiter), isBroken: false });
      } else if (hasOddQuotes(text) && this.#endsInQuotes.test(text)) {
        this.#open = { line, lines: [raw], length: raw.length };
      } else take(line, text);
    }
    this.#parseQuoted(quoted);
    return records;
  }

  #goOn(open: OpenRecord, raw: string, text: string, take: (line: number, text: string) => void): void {
    open.length += raw.length + 1;
    if (open.length > LONGEST_RECORD) throw this.#neverClosed(open.line);
    // Inside a quoted cell the quotes of the text itself are doubled, so an odd number of them closes it for good.
    if (hasOddQuotes(raw)) {
      take(open.line, [...open.lines, text].join('\n'));
      this.#open = null;
    } else open.lines.push(raw);
  }

  // Together, since a call costs as much as many records; one by one where one of them is no CSV.
  #parseQuoted(quoted: readonly { record: CsvRecord; text: string }[]): void {
    if (quoted.length === 0) return;
    const parsed = this.#tryParse(quoted.map(({ text }) => text).join('\n'));
    if (parsed?.length === quoted.length) {
      for (const [index, { record }] of quoted.entries()) fill(record, parsed[index]);
      return;
    }
    for (const { record, text } of quoted) {
      const alone = this.#tryParse(text);
      if (alone?.length === 1) fill(record, alone[0]);
    }
  }

  #tryParse(text: string): string[][] | null {
    try {
      return this.#parse(text);
    } catch (error) {
      if (error instanceof Error && 'code' in error && /CSV|QUOTE/.test(String(error.code))) return null;
      throw error;
    }
  }

  #neverClosed(line: number): BursarError {
    return new BursarError('corrupt_file', `${this.#path}: the quote that opens on line ${line} is never closed.`, {
      hint: 'Close it, or double the quotes inside of a cell (""), and import the file again.',
    });
  }

  #tooLong(line: number): BursarError {
    return new BursarError('corrupt_file', `${this.#path}: line ${line} is longer than any record may be.`, {
      hint: 'Check that the file has line ends and import it again.',
    });
  }
}

function fill(record: CsvRecord, cells: string[] | undefined): void {
  assert(cells !== undefined, 'every record was read');
  record.cells = cells;
  record.isBroken = false;
}

function hasOddQuotes(text: string): boolean {
  let isOdd = false;
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at + 1)) isOdd = !isOdd;
  return isOdd;
}
