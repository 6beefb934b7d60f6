// A kill at any system call with which a charge reaches the disk (strace counts them and sends SIGKILL at the Nth): the book
// is never torn, the next command works, and the bank has the charge at most once. In the soak every N of each call.
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assertBookEqualsBank, runToTheEnd } from '../support/bank-judge.ts';
import { type BillingBook, makeBillingBook } from '../support/billing-book.ts';
import { BIN, cliEnvironment, runCli, runProcess } from '../support/cli.ts';
import { countOf, rowsOf } from '../support/rows.ts';

const isSoak = process.env.BURSAR_SOAK === '1';
/** What changes a file, or makes the change last. */
const CALLS = ['pwrite64', 'fsync', 'ftruncate', 'unlink'];
const SAMPLES = 5;
const KEY = 'order-1';

let folder = '';
let made: BillingBook;

/** The same book in a folder of its own: an approved charge stands in it, and its bank has been used. */
async function copyOfBook(name: string): Promise<BillingBook> {
  const to = join(folder, name);
  await cp(made.folder, to, { recursive: true });
  return { ...made, folder: to, path: join(to, 'book.db'), bankPath: join(to, 'book.bank.db') };
}

const create = (book: BillingBook, key: string): string[] => [
  'charges',
  'create',
  ...['--customer', book.customerId, '--amount', '12.50', '--currency', 'USD', '--idempotency-key', key, '--json'],
];

/** One worker thread does all file access, so that the Nth call is the same one every time. */
function traced(book: BillingBook, options: readonly string[], args: readonly string[]) {
  const env = cliEnvironment(book.folder, { UV_THREADPOOL_SIZE: '1' });
  const calls = ['-f', '-qq', '-e', 'signal=none', '-e', `trace=${CALLS.join(',')}`];
  return runProcess('strace', [...calls, ...options, process.execPath, BIN, ...args], { cwd: book.folder, env });
}

describe('charges create, killed at a system call', () => {
  const counts = new Map<string, number>();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bursar-calls-'));
    made = await makeBillingBook(join(folder, 'made'), 0, {
      tokens: ['tok_approved'],
      gateway: { latencyMs: 0, timeoutMs: 10_000 },
    });
    expect((await runCli(create(made, 'order-0'), { cwd: made.folder })).code).toBe(0);
    const book = await copyOfBook('counted');
    const log = join(folder, 'calls');
    expect((await traced(book, ['-o', log], create(book, KEY))).code).toBe(0);
    // The thread that makes the most of a call is the one that is counted.
    for (const call of CALLS) {
      const byThread = new Map<string, number>();
      for (const [, thread = ''] of (await readFile(log, 'utf8')).matchAll(new RegExp(`^(\\d+) +${call}\\(`, 'gm')))
        byThread.set(thread, (byThread.get(thread) ?? 0) + 1);
      counts.set(call, Math.max(0, ...byThread.values()));
    }
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('writes with these calls', () => {
    expect(counts.get('pwrite64')).toBeGreaterThan(10);
    expect(counts.get('fsync')).toBeGreaterThanOrEqual(2);
  });

  it.each(CALLS)('%s: no torn state, and the same key collects it once', async (call) => {
    const count = counts.get(call) ?? 0;
    const every = isSoak ? 1 : Math.max(1, count / SAMPLES);
    const numbers = new Set(
      Array.from({ length: Math.ceil(count / every) }, (_, index) => 1 + Math.floor(index * every)),
    );
    for (const number of numbers) {
      const book = await copyOfBook(`${call}-${number}`);
      const inject = ['-o', '/dev/null', '-e', `inject=${call}:signal=SIGKILL:when=${number}`];
      const killed = await traced(book, inject, create(book, KEY));
      expect(killed.signal ?? killed.code, `${call} ${number}: ${killed.stderr}`).toBe('SIGKILL');
      const standing = await rowsOf(book.path, 'PRAGMA integrity_check');
      expect(standing, `${call} ${number}`).toEqual([{ integrity_check: 'ok' }]);
      const again = await runCli(create(book, KEY), { cwd: book.folder });
      expect([0, 4], `${call} ${number}: ${again.stdout}${again.stderr}`).toContain(again.code);
      await runToTheEnd(book);
      const charges = await rowsOf(book.path, 'SELECT status FROM charges ORDER BY idempotency_key');
      expect(charges, `${call} ${number}`).toEqual([{ status: 'captured' }, { status: 'captured' }]);
      expect(await countOf(book.bankPath, 'executed'), `${call} ${number}`).toBe(2);
      await assertBookEqualsBank(book);
      await rm(book.folder, { recursive: true });
    }
  });
});
