// A small seeded generator (mulberry32), so that a random test can be run again as it was.
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** BURSAR_SEED to repeat a run, else a new one. */
export function chooseSeed(): number {
  return process.env.BURSAR_SEED === undefined
    ? (process.hrtime()[1] ^ process.pid) >>> 0
    : Number(process.env.BURSAR_SEED);
}
