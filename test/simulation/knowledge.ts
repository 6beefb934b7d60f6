// What the test knows that a book may not: what was sent, from whichever life of the book. By it a book that was put back
// is judged, with none of the code that is to notice it.

interface Copy {
  /** Attempts that were sent since it was taken. */
  sentSince: Set<string>;
  /** It knows of less than was sent even if nothing was sent since. */
  isBehind: boolean;
}

export class Knowledge {
  /** Attempts that were sent and that the book, since it was put back, does not have; until they are adopted. */
  readonly lost = new Set<string>();
  /** The banks whose records have to be read before anything may leave: the book knows of less than was sent. */
  readonly unread = new Set<string>();
  readonly #everSent = new Set<string>();
  /** How often each attempt was sent, as far as the book that stands now can know. */
  readonly #sends = new Map<string, number>();
  #copy: Copy | null = null;

  /** Returns for the how manieth time. */
  sent(attemptId: string): number {
    const times = this.#timesOf(attemptId) + 1;
    this.#sends.set(attemptId, times);
    this.#everSent.add(attemptId);
    this.#copy?.sentSince.add(attemptId);
    return times;
  }

  /** The last send is proved to have come to nothing, and needs no count. */
  cameToNothing(attemptId: string): void {
    this.#sends.set(attemptId, this.#timesOf(attemptId) - 1);
  }

  copied(): void {
    this.#copy = { sentSince: new Set(), isBehind: this.unread.size > 0 };
  }

  /** The copy was put back; `known` is how often it knows each of its attempts to have been sent. */
  putBack(known: ReadonlyMap<string, number>, banks: Iterable<string>): void {
    const sentSince = [...(this.#copy?.sentSince ?? [])];
    const knowsLess = this.#copy?.isBehind || sentSince.some((id) => this.#timesOf(id) > (known.get(id) ?? 0));
    this.unread.clear();
    if (knowsLess) for (const name of banks) this.unread.add(name);
    for (const [id, times] of this.#sends) this.#sends.set(id, Math.min(times, known.get(id) ?? 0));
    this.lost.clear();
    for (const id of this.#everSent) if (!known.has(id)) this.lost.add(id);
  }

  /** The quarantine has ended, with these attempts in the book: a copy from before does not know of them. */
  lifted(shown: Iterable<string>): void {
    if (this.#copy !== null) this.#copy.isBehind = true;
    for (const id of shown) this.lost.delete(id);
  }

  #timesOf(attemptId: string): number {
    return this.#sends.get(attemptId) ?? 0;
  }
}
