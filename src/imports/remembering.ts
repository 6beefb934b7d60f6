// Answers of a pure function, kept for the rows that ask the same again.

const MOST = 20_000;

/** `compute` with its answers kept by `keyOf`, at most 20,000 of them: then it begins anew. What it throws is not kept. */
export function remembering<Args extends unknown[], Answer>(
  compute: (...args: Args) => Answer,
  keyOf: (...args: Args) => string,
): (...args: Args) => Answer {
  const answers = new Map<string, { answer: Answer }>();
  return (...args) => {
    const key = keyOf(...args);
    const kept = answers.get(key);
    if (kept !== undefined) return kept.answer;
    const answer = compute(...args);
    if (answers.size >= MOST) answers.clear();
    answers.set(key, { answer });
    return answer;
  };
}
