// kill -9 at every named point of the pipeline, for every operation: the next run of the built CLI converges, the bank
// has each operation at most once, and what had been opened is done.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assertBookEqualsBank, assertOneChargeAPeriod, runToTheEnd } from '../support/bank-judge.ts';
import { type BillingBook, makeBillingBook } from '../support/billing-book.ts';
import { cliEnvironment, runCli, runProcess } from '../support/cli.ts';
import { rowsOf } from '../support/rows.ts';
import type { Work } from './killed-at.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Within the project, so that it finds node_modules. */
const BUILT = join(ROOT, 'node_modules', '.cache', `bursar-killed-at-${process.pid}`);
const PROGRAM = join(BUILT, 'killed-at.mjs');

type Collecting = Extract<Work, { methodId: string }>;
interface Prepared extends BillingBook {
  works: { sale: Work; authorize: Work; capture: Work; void: Work; refund: Work };
}

async function inNewBook(
  name: string,
  options: { token: string; schedules?: number },
  test: (book: BillingBook) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), `bursar-at-${name.replace(':', '-')}-`));
  try {
    const gateway = { latencyMs: 40, timeoutMs: 10_000 };
    await test(await makeBillingBook(folder, options.schedules ?? 0, { tokens: [options.token], gateway }));
  } catch (error) {
    console.error(`killed at ${name}; the folder is kept: ${folder}`);
    throw error;
  }
  await rm(folder, { recursive: true });
}

async function start(
  book: BillingBook,
  point: string,
  works: readonly Work[],
): Promise<NodeJS.Signals | number | null> {
  const task = JSON.stringify({ folder: book.folder, point, works });
  const options = { cwd: book.folder, env: cliEnvironment(book.folder) };
  const { signal, code, stderr } = await runProcess(process.execPath, [PROGRAM, task], options);
  if (signal === null) expect(stderr).toBe('');
  return signal ?? code;
}

const collect = (book: BillingBook, kind: Collecting['do']): Work => ({
  do: kind,
  customerId: book.customerId,
  methodId: book.methods[0]?.id ?? '',
});

/** A book with what each operation needs: two authorized charges, and one that is captured. */
async function prepare(book: BillingBook): Promise<Prepared> {
  const works = [collect(book, 'authorize'), collect(book, 'authorize'), collect(book, 'sale')];
  expect(await start(book, 'none', works)).toBe(0);
  const ids = async (status: string): Promise<string[]> =>
    (await rowsOf<{ id: string }>(book.path, `SELECT id FROM charges WHERE status = '${status}'`)).map(({ id }) => id);
  const [first = '', second = ''] = await ids('authorized');
  const [captured = ''] = await ids('captured');
  return {
    ...book,
    works: {
      sale: collect(book, 'sale'),
      authorize: collect(book, 'authorize'),
      capture: { do: 'capture', chargeId: first },
      void: { do: 'void', chargeId: second },
      refund: { do: 'refund', chargeId: captured },
    },
  };
}

interface State {
  status: string;
  captured: number;
  refunded: number;
}

/** The charges as they were prepared, and as every operation on them being done leaves them. */
const PREPARED: State[] = [
  { status: 'authorized', captured: 0, refunded: 0 },
  { status: 'authorized', captured: 0, refunded: 0 },
  { status: 'captured', captured: 1250, refunded: 0 },
];
const DONE: State[] = [
  { status: 'authorized', captured: 0, refunded: 0 },
  { status: 'captured', captured: 1250, refunded: 0 },
  { status: 'captured', captured: 1250, refunded: 0 },
  { status: 'captured', captured: 1250, refunded: 450 },
  { status: 'voided', captured: 0, refunded: 0 },
];

async function assertEnd(book: BillingBook, expected: State[]): Promise<void> {
  await runToTheEnd(book);
  await assertBookEqualsBank(book);
  const order = 'ORDER BY status, captured_minor, refunded_minor';
  const columns = 'status, captured_minor AS captured, refunded_minor AS refunded';
  expect(await rowsOf(book.path, `SELECT ${columns} FROM charges ${order}`)).toEqual(expected);
}

describe('killed at a named point', () => {
  beforeAll(async () => {
    await mkdir(BUILT, { recursive: true });
    await build({
      entryPoints: [join(ROOT, 'test', 'crash', 'killed-at.ts')],
      outfile: PROGRAM,
      bundle: true,
      // Whole, since most of what the process does is to start; but for native code, and the drivers that no book has.
      external: ['sqlite3', 'pg*', 'better-sqlite3', 'mariadb', 'mysql*', 'oracledb', 'tedious'],
      banner: {
        js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
      },
      platform: 'node',
      format: 'esm',
      logLevel: 'error',
    });
  });
  afterAll(() => rm(BUILT, { recursive: true }));

  const IN_EACH = [
    'open:half',
    'open:before',
    'open:after',
    'send:before',
    'send:after',
    'settle:half',
    'settle:before',
    'settle:after',
  ];
  it.concurrent.each(IN_EACH)('%s, in each operation', async (point) => {
    await inNewBook(point, { token: 'tok_approved' }, async (fresh) => {
      const book = await prepare(fresh);
      for (const work of Object.values(book.works)) expect(await start(book, point, [work])).toBe('SIGKILL');
      await assertEnd(book, point === 'open:half' || point === 'open:before' ? PREPARED : DONE);
    });
  });

  const IN_ALL = [
    'lease:half',
    'lease:before',
    'lease:after',
    'renewal:half',
    'renewal:before',
    'renewal:after',
    'seal:half',
    'seal:before',
    'seal:after',
  ];
  it.concurrent.each(IN_ALL)('%s, with all operations under way', async (point) => {
    await inNewBook(point, { token: 'tok_approved' }, async (fresh) => {
      const book = await prepare(fresh);
      expect(await start(book, point, Object.values(book.works))).toBe('SIGKILL');
      await assertEnd(book, point.startsWith('lease') ? PREPARED : DONE);
    });
  });

  const WHILE_RECOVERING = [
    'takeover:half',
    'takeover:before',
    'takeover:after',
    'resend:half',
    'resend:before',
    'resend:after',
    'send:before',
    'send:after',
    'settle:half',
    'settle:before',
    'settle:after',
  ];
  it.concurrent.each(WHILE_RECOVERING)('%s, while finding out about each operation', async (point) => {
    await inNewBook(point, { token: 'tok_approved' }, async (fresh) => {
      const book = await prepare(fresh);
      expect(await start(book, 'open:after', Object.values(book.works))).toBe('SIGKILL');
      expect(await start(book, point, [{ do: 'recover' }])).toBe('SIGKILL');
      // And whoever takes over from the one that took over; one commit may have settled all there was.
      const second = await start(book, 'takeover:after', [{ do: 'recover' }]);
      expect(point === 'settle:after' ? ['SIGKILL', 0] : ['SIGKILL']).toContain(second);
      await assertEnd(book, DONE);
    });
  });

  const WHILE_MATERIALISING = ['materialise:half', 'materialise:before', 'materialise:after'];
  it.concurrent.each(WHILE_MATERIALISING)('%s: one charge a period', async (point) => {
    await inNewBook(point, { token: 'tok_approved', schedules: 2 }, async (book) => {
      expect(await start(book, point, [{ do: 'run', asOf: book.asOf }])).toBe('SIGKILL');
      await assertEnd(
        book,
        [1000, 1000, 1001, 1001].map((captured) => ({ status: 'captured', captured, refunded: 0 })),
      );
      await assertOneChargeAPeriod(book);
    });
  });

  const WHILE_COLLECTING_TOO = ['materialise:before@2', 'materialise:after@2'];
  it.concurrent.each(WHILE_COLLECTING_TOO)(
    '%s, while charges of the first page are collected: one charge a period',
    async (point) => {
      // Two pages of schedules.
      await inNewBook(point, { token: 'tok_approved', schedules: 260 }, async (book) => {
        expect(await start(book, point, [{ do: 'run', asOf: book.asOf }])).toBe('SIGKILL');
        const made = await rowsOf(book.path, 'SELECT id FROM charges');
        expect(made).toHaveLength(point.startsWith('materialise:after') ? 520 : 500);
        await runToTheEnd(book);
        await assertBookEqualsBank(book);
        await assertOneChargeAPeriod(book);
      });
    },
  );

  const WHILE_CANCELLING = [
    'leave:half',
    'leave:before',
    'leave:after',
    'close:after',
    'cancel:half',
    'cancel:before',
    'cancel:after',
  ];
  it.concurrent.each(WHILE_CANCELLING)('%s: cancelled, and nothing collected', async (point) => {
    await inNewBook(point, { token: 'tok_requires_action' }, async (book) => {
      expect(await start(book, 'none', [collect(book, 'sale')])).toBe(0);
      const [charge] = await rowsOf<{ id: string; status: string }>(book.path, 'SELECT id, status FROM charges');
      expect(charge?.status).toBe('requires_action');
      const chargeId = charge?.id ?? '';
      expect(await start(book, point, [{ do: 'cancel', chargeId }])).toBe('SIGKILL');
      // The run asks the bank about it, and may find that it is over; the operator enters the command once more.
      await runToTheEnd(book);
      const again = await runCli(['charges', 'cancel', chargeId, '--json'], { cwd: book.folder });
      const [now] = await rowsOf<{ status: string }>(book.path, 'SELECT status FROM charges');
      expect(['cancelled', 'exhausted'], again.stdout).toContain(now?.status);
      expect(await rowsOf(book.bankPath, 'SELECT status FROM payments')).toEqual([{ status: 'cancelled' }]);
      await assertBookEqualsBank(book);
    });
  });
});
