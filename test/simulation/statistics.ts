// How often what was met, over all runs of a simulation: a fault that was never met was never withstood.
export class Statistics {
  readonly #counts = new Map<string, number>();

  count(what: string, times = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + times);
  }

  of(what: string): number {
    return this.#counts.get(what) ?? 0;
  }

  /** One line per group, the words of each in the order of the alphabet. */
  toString(): string {
    const groups = new Map<string, string[]>();
    for (const [what, times] of [...this.#counts].sort(([one], [other]) => one.localeCompare(other))) {
      const [group, word] = what.includes(': ') ? (what.split(': ', 2) as [string, string]) : ['happened', what];
      groups.set(group, [...(groups.get(group) ?? []), `${word} ${times}`]);
    }
    return [...groups].map(([group, words]) => `  ${group}: ${words.join(', ')}`).join('\n');
  }
}
