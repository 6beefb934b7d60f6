// Long work cut into turns, between which whatever waits is served: the batch that is being written, Ctrl-C, the bar.
import { setImmediate as nextTurn } from 'node:timers/promises';

/** So many rows take a millisecond or two. */
const TURN_ROWS = 32;

/** `items.map(work)` in turns, in order. */
export async function mapInTurns<T, U>(items: readonly T[], work: (item: T) => U): Promise<U[]> {
  const results: U[] = [];
  for (const item of items) {
    results.push(work(item));
    if (results.length % TURN_ROWS === 0) await nextTurn();
  }
  return results;
}
