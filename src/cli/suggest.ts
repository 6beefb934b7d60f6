// "Did you mean": the known name nearest to what was typed, if any is near enough to be a slip of the fingers.
import { distance } from 'fastest-levenshtein';

/** The nearest of `known`, or null when more than a third of its letters (at least two) would have to change. */
export function nearest(typed: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const steps = distance(typed, candidate);
    if (steps < bestDistance) [best, bestDistance] = [candidate, steps];
  }
  return best !== null && bestDistance <= Math.max(2, Math.floor(best.length / 3)) ? best : null;
}

/**
 * What `words` (which may go on with arguments) should have begun with: the nearest command or topic. Each candidate
 * is compared with as many words as it has itself.
 */
export function nearestCommand(words: readonly string[], commands: readonly string[]): string | null {
  const topics = commands.flatMap((command) => (command.includes(' ') ? (command.split(' ')[0] ?? []) : []));
  let best: string | null = null;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const length of [3, 2, 1]) {
    if (words.length < length) continue;
    const typed = words.slice(0, length).join(' ');
    const candidates = [...commands, ...topics].filter((name) => name.split(' ').length === length);
    const candidate = nearest(typed, candidates);
    const steps = candidate === null ? Number.POSITIVE_INFINITY : distance(typed, candidate);
    // A topic that is right already is no suggestion.
    if (steps > 0 && steps < bestDistance) [best, bestDistance] = [candidate, steps];
  }
  return best;
}
