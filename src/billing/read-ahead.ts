// Reading ahead: what takes time to make is being made while what was made before is worked on.

/**
 * Gives what `source` gives, while up to `most` more wait to be taken. The source is begun with the first that is asked
 * for, ends early where the reader does, and what it throws is thrown behind what it gave before.
 */
export async function* readAhead<T>(source: AsyncIterable<T>, most: number): AsyncGenerator<T> {
  const waiting: T[] = [];
  let isOver = false;
  let hasReaderLeft = false;
  let wake: () => void = () => undefined;
  const change = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });
  const reading = (async () => {
    try {
      for await (const item of source) {
        waiting.push(item);
        wake();
        while (waiting.length >= most && !hasReaderLeft) await change();
        if (hasReaderLeft) break;
      }
    } finally {
      isOver = true;
      wake();
    }
  })();
  reading.catch(() => undefined);
  try {
    for (;;) {
      const item = waiting.shift();
      if (item !== undefined) {
        wake();
        yield item;
      } else if (isOver) break;
      else await change();
    }
  } finally {
    hasReaderLeft = true;
    wake();
    await reading;
  }
}
