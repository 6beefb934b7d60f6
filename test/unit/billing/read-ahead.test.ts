import { expect, it } from 'vitest';
import { readAhead } from '../../../src/billing/read-ahead.ts';

const turns = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

function counting(upTo: number) {
  const state = { given: 0, hasEnded: false };
  async function* source(): AsyncGenerator<number> {
    try {
      for (; state.given < upTo; ) {
        state.given += 1;
        yield state.given;
      }
    } finally {
      state.hasEnded = true;
    }
  }
  return { state, source: source() };
}

it('gives all in order, and is ahead by no more than it may', async () => {
  const { state, source } = counting(50);
  const read: number[] = [];
  for await (const item of readAhead(source, 4)) {
    await turns();
    read.push(item);
    expect(state.given).toBeLessThanOrEqual(item + 5);
    if (item < 40) expect(state.given).toBeGreaterThan(item);
  }
  expect(read).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
});

it('ends its source where the reader leaves, before the reader goes on', async () => {
  const { state, source } = counting(50);
  for await (const item of readAhead(source, 4)) if (item === 3) break;
  expect(state.hasEnded).toBe(true);
  expect(state.given).toBeLessThan(50);
});

it('throws what the source throws, behind what it gave', async () => {
  async function* source(): AsyncGenerator<number> {
    yield 1;
    yield 2;
    throw new Error('the disk');
  }
  const read: number[] = [];
  const reading = (async () => {
    for await (const item of readAhead(source(), 10)) read.push(item);
  })();
  await expect(reading).rejects.toThrow('the disk');
  expect(read).toEqual([1, 2]);
});
