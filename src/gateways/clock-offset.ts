// A provider's clock against ours, by the Date header of an answer (RFC 9110, 6.6.1).

/**
 * Theirs minus ours in milliseconds: 0 where the date lies between the question and its answer, whatever time passed, so
 * that a process that slept in between does not blame a clock. `null` for a header that is no date.
 */
export function clockOffset(date: string | undefined, askedAtMs: number, answeredAtMs: number): number | null {
  const theirsMs = Date.parse(date ?? '');
  if (Number.isNaN(theirsMs)) return null;
  if (theirsMs < askedAtMs) return theirsMs - askedAtMs;
  return theirsMs > answeredAtMs ? theirsMs - answeredAtMs : 0;
}
