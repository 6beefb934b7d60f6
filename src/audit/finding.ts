// What a check finds wrong, in the shape that every check prints; gathered in bounded memory, so that a book in which
// everything is wrong can still be checked.

export type Severity = 'error' | 'warning' | 'info';

export interface Finding {
  /** Stable: `row_edited`, `posting_missing`. */
  code: string;
  severity: Severity;
  /** What it is about: an id, `seal 3`, `line 17`. */
  subject: string | null;
  message: string;
  /** What to run next. */
  command: string | null;
}

/** So many of one kind are named; the rest is counted. */
export const NAMED_PER_KIND = 20;

export class Findings {
  readonly #named: Finding[] = [];
  readonly #counts = new Map<string, number>();

  add(
    code: string,
    subject: string | null,
    message: string,
    command: string | null,
    severity: Severity = 'error',
  ): void {
    const count = (this.#counts.get(code) ?? 0) + 1;
    this.#counts.set(code, count);
    if (count <= NAMED_PER_KIND) this.#named.push({ code, severity, subject, message, command });
  }

  addAll(findings: readonly Finding[]): void {
    for (const { code, subject, message, command, severity } of findings)
      this.add(code, subject, message, command, severity);
  }

  /** How many there are, named or not. */
  get count(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Those that are named, and for each kind with more of them one line that counts the rest. */
  list(): Finding[] {
    const rest = [...this.#counts].filter(([, count]) => count > NAMED_PER_KIND);
    return [
      ...this.#named,
      ...rest.map(([code, count]): Finding => {
        const like = this.#named.find((finding) => finding.code === code);
        const message = `At least ${count - NAMED_PER_KIND} more of the same kind.`;
        return { code, severity: like?.severity ?? 'error', subject: null, message, command: like?.command ?? null };
      }),
    ];
  }
}
