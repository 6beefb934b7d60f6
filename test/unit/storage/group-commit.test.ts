// Group commit: what arrives together is committed together, in its order, and one bad member holds nobody up.
import { expect, test } from 'vitest';
import { GroupCommit } from '../../../src/storage/group-commit.ts';

interface Gate {
  open: () => void;
  passed: Promise<void>;
}

function gate(): Gate {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, passed };
}

/** Commits numbers and answers with their doubles; `refuse` fails every batch that holds one of these. */
function committer(options: { maxBatch?: number; refuse?: number[]; splits?: boolean; hold?: Promise<void> } = {}) {
  const batches: number[][] = [];
  const group = new GroupCommit<number, number>({
    maxBatch: options.maxBatch ?? 100,
    splitOn: () => options.splits ?? true,
    commit: async (batch) => {
      batches.push(batch);
      await options.hold;
      const refused = batch.find((item) => options.refuse?.includes(item));
      if (refused !== undefined) throw new Error(`refused ${refused}`);
      return batch.map((item) => item * 2);
    },
  });
  return { group, batches };
}

const settle = (group: GroupCommit<number, number>, items: number[]) =>
  Promise.allSettled(items.map((item) => group.submit(item)));

test('what arrives in one turn is one batch, and each gets its own answer', async () => {
  const { group, batches } = committer();
  expect(await Promise.all([1, 2, 3].map((item) => group.submit(item)))).toEqual([2, 4, 6]);
  expect(batches).toEqual([[1, 2, 3]]);
});

test('what arrives during a commit is committed together in the next one', async () => {
  const { open, passed } = gate();
  const { group, batches } = committer({ hold: passed });
  const first = group.submit(1);
  while (batches.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const later = [2, 3].map((item) => group.submit(item));
  open();
  expect(await Promise.all([first, ...later])).toEqual([2, 4, 6]);
  expect(batches).toEqual([[1], [2, 3]]);
});

test('a batch has no more members than it may', async () => {
  const { group, batches } = committer({ maxBatch: 2 });
  await settle(group, [1, 2, 3, 4, 5]);
  expect(batches).toEqual([[1, 2], [3, 4], [5]]);
});

test('a batch that is refused is committed again one by one: only the bad member fails', async () => {
  const { group, batches } = committer({ refuse: [2] });
  const results = await settle(group, [1, 2, 3]);
  expect(results.map((result) => (result.status === 'fulfilled' ? result.value : String(result.reason)))).toEqual([
    2,
    'Error: refused 2',
    6,
  ]);
  expect(batches).toEqual([[1, 2, 3], [1], [2], [3]]);
});

test('an error that is not about one member fails the whole batch, once', async () => {
  const { group, batches } = committer({ refuse: [2], splits: false });
  const results = await settle(group, [1, 2, 3]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(batches).toEqual([[1, 2, 3]]);
});

test('after a failure it goes on', async () => {
  const { group } = committer({ refuse: [1] });
  await expect(group.submit(1)).rejects.toThrow('refused 1');
  expect(await group.submit(2)).toBe(4);
});
