// Sums of amounts that can't overflow: SQLite's SUM fails above 2^63, which some 9,000 of the largest amounts reach, and
// its driver rounds above 2^53. Two halves are summed apart and joined as a bigint.

const HALF = 1_000_000_000;

/** An aggregate of the integer expression `amount`, as text for `fromBigSum`; NULL where there is nothing to sum. */
export function bigSum(amount: string): string {
  return `(SUM((${amount}) / ${HALF}) || ':' || SUM((${amount}) % ${HALF}))`;
}

/** What `bigSum` gave. */
export function fromBigSum(text: string | null): bigint {
  if (text === null) return 0n;
  const [high = '0', low = '0'] = text.split(':');
  return BigInt(high) * BigInt(HALF) + BigInt(low);
}
