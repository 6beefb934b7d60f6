// One JSON document with a list that may be longer than memory: written as it is read.
import type { Rows } from './output.ts';
import type { Terminal } from './terminal.ts';
import { toJson } from './text.ts';

const CHUNK_LENGTH = 64 * 1024;

/** `head`'s fields and then `name`: an array of `rows`, at most `limit` of them (null for all), one a line. */
export async function writeJsonStream<T extends object>(
  terminal: Terminal,
  head: object,
  name: string,
  rows: Rows<T>,
  limit: number | null,
): Promise<void> {
  let pending = `${toJson(head).replace(/\n}$/, '')},\n  ${toJson(name)}: [`;
  let count = 0;
  for await (const row of rows) {
    if (count === limit) break;
    pending += `${count === 0 ? '' : ','}\n    ${toJson(row, 0)}`;
    count += 1;
    if (pending.length < CHUNK_LENGTH) continue;
    if (!(await terminal.write(pending))) return;
    pending = '';
  }
  await terminal.write(`${pending}${count === 0 ? '' : '\n  '}]\n}\n`);
}
