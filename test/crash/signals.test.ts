// What a terminal, a pipe and a supervisor do to a command: Ctrl-C once and twice, SIGTERM, a closed terminal, a reader that
// has gone, a full disk behind stderr, another window size. The book and the bank agree afterwards, whatever happened.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assertBookEqualsBank, assertExactlyOnce, runToTheEnd } from '../support/bank-judge.ts';
import { type BillingBook, makeBillingBook } from '../support/billing-book.ts';
import { BIN, cliEnvironment, runCli, runProcess } from '../support/cli.ts';
import { countOf, rowsOf } from '../support/rows.ts';
import { startCli, startRun, untilSettled } from '../support/started-run.ts';

/** A run that is at it for a while when it sends one at a time. */
const SLOWLY = ['--concurrency', '1'];

let folder = '';
let book: BillingBook;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bursar-signals-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A line of shell with the built CLI as \$BURSAR. */
function shell(line: string): Promise<{ stdout: string; stderr: string; code: number | null }> {
  const env = cliEnvironment(folder, { BURSAR: `${process.execPath} ${BIN}` });
  return runProcess('bash', ['-c', line], { cwd: folder, env });
}

const charge = (token: string, ...more: string[]): string[] => [
  'charges',
  'create',
  '--customer',
  book.customerId,
  '--method',
  book.methods.find((method) => method.token === token)?.id ?? '',
  '--amount',
  '12.50',
  '--currency',
  'USD',
  ...more,
];

describe('a billing run', () => {
  beforeEach(async () => {
    book = await makeBillingBook(folder, 200);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'ends at a safe point on %s, with 130, and says how to go on',
    async (signal) => {
      const run = startRun(book, SLOWLY);
      await untilSettled(book, 20);
      run.child.kill(signal);
      const { code, stdout, stderr } = await run.ended;
      expect(code, stderr).toBe(130);
      expect(stderr).toMatch(/safe point/);
      expect(JSON.parse(stdout)).toMatchObject({
        status: 'interrupted',
        stoppedBy: 'interrupted',
        error: { code: 'interrupted' },
      });
      expect(await rowsOf(book.path, 'SELECT id FROM attempts WHERE outcome IS NULL')).toEqual([]);
      expect(await countOf(book.path, `charges WHERE status = 'pending'`)).toBeGreaterThan(0);
      await runToTheEnd(book);
      await assertExactlyOnce(book);
    },
  );

  it('ends at once on the second Ctrl-C', async () => {
    // One at a time, and each takes as long as the test has patience: the safe point is far.
    book = await makeBillingBook(join(folder, 'slow'), 4, {
      tokens: ['tok_approved'],
      gateway: { latencyMs: 60_000, timeoutMs: 90_000 },
    });
    const run = startRun(book, SLOWLY);
    while ((await countOf(book.bankPath, 'executed').catch(() => 0)) === 0) await delay(20);
    run.child.kill('SIGINT');
    await delay(100);
    const again = performance.now();
    run.child.kill('SIGINT');
    const { code } = await run.ended;
    expect(code).toBe(130);
    expect(performance.now() - again).toBeLessThan(5_000);
    // It was charged, and nobody has told us: the next run finds out.
    expect(await countOf(book.path, 'attempts WHERE outcome IS NULL')).toBeGreaterThan(0);
    const config = join(book.folder, 'bursar.config.json');
    await runProcess('sed', ['-i', 's/60000/1/; s/90000/2000/', config], { cwd: book.folder });
    await runToTheEnd(book);
    await assertExactlyOnce(book);
  });

  it('survives the terminal being closed (SIGHUP): what it had begun is found out about', async () => {
    const run = startRun(book, SLOWLY);
    await untilSettled(book, 20);
    run.child.kill('SIGHUP');
    const { code, signal } = await run.ended;
    expect(signal ?? code).not.toBe(0);
    await runToTheEnd(book);
    await assertExactlyOnce(book);
  });

  it('goes on when nobody reads what it prints, and when stderr takes nothing', async () => {
    const piped = await shell(`$BURSAR billing run --as-of ${book.asOf} --json | true; echo "\${PIPESTATUS[0]}"`);
    expect(['0', '4'], piped.stderr).toContain(piped.stdout.trim());
    expect(await countOf(book.path, `charges WHERE status = 'pending'`)).toBe(0);
    const full = await shell(`$BURSAR billing run --as-of ${book.asOf} --json 2>/dev/full`);
    expect([0, 4]).toContain(full.code);
    const both = await shell(`$BURSAR billing run --as-of ${book.asOf} >/dev/full 2>/dev/full`);
    expect([0, 4]).toContain(both.code);
    await runToTheEnd(book);
    await assertExactlyOnce(book);
  });

  it('draws its progress on a terminal whose size changes', async () => {
    const command = `${process.execPath} ${BIN} billing run --as-of ${book.asOf} --concurrency 4 & run=$!
      for columns in 40 200 1 120; do sleep 0.3; stty cols $columns rows 5; kill -WINCH $run; done; wait $run`;
    const env = { ...cliEnvironment(folder), TERM: 'xterm', SHELL: '/bin/sh' };
    const { stdout, code } = await runProcess('script', ['-qefc', command, '/dev/null'], { cwd: folder, env });
    expect([0, 4], stdout).toContain(code);
    expect(stdout).toContain('Billing');
    await runToTheEnd(book);
    await assertExactlyOnce(book);
  });
});

describe('other commands', () => {
  beforeEach(async () => {
    book = await makeBillingBook(folder, 0, { gateway: { timeoutMs: 10_000 } });
  });

  it('charges create: whatever ends it, the same key finds the same charge, and it is collected once', async () => {
    for (const [index, signal] of (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGPIPE'] as const).entries()) {
      const args = charge('tok_slow:50ms', '--idempotency-key', `order-${index}`, '--json');
      const { child, ended } = startCli(folder, args);
      while (child.exitCode === null && (await countOf(book.bankPath, 'executed').catch(() => 0)) < index + 1)
        await delay(2);
      child.kill(signal);
      await ended;
      expect(await countOf(book.path, 'charges')).toBe(index + 1);
      const again = await runCli(args, { cwd: folder });
      expect([0, 4], again.stderr).toContain(again.code);
      expect(JSON.parse(again.stdout)).toMatchObject({ replayed: true });
    }
    await runToTheEnd(book);
    expect(await countOf(book.bankPath, 'executed')).toBe(4);
    await assertBookEqualsBank(book);
  });

  it('charges create: a result that can not be printed ends with 4, and the charge stands', async () => {
    const line = charge('tok_approved', '--json').join(' ');
    const full = await shell(`$BURSAR ${line} > /dev/full`);
    expect(full.code).toBe(4);
    expect(full.stderr).toContain('Do not repeat it');
    const piped = await shell(`$BURSAR ${line} | true; echo "\${PIPESTATUS[0]}"`);
    expect(piped.stdout.trim()).toBe('0');
    const silent = await shell(`$BURSAR ${line} 2>/dev/full`);
    expect(silent.code).toBe(0);
    expect(await countOf(book.bankPath, 'executed')).toBe(3);
    await assertBookEqualsBank(book);
  });

  it('lists end quietly when their reader has gone; an export says that it is not complete', async () => {
    await runCli(charge('tok_approved', '--json'), { cwd: folder });
    for (const command of ['charges list --all --format csv', 'audit list --format ndjson --all']) {
      const { stdout, stderr } = await shell(`$BURSAR ${command} | true; echo "\${PIPESTATUS[0]}"`);
      expect({ code: stdout.trim(), stderr }).toEqual({ code: '0', stderr: '' });
    }
    const { stdout, stderr } = await shell(`$BURSAR audit export --out - | true; echo "\${PIPESTATUS[0]}"`);
    expect(stdout.trim(), stderr).toBe('2');
    expect(stderr).toContain('The export is not complete');
    await assertBookEqualsBank(book);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'audit export: %s leaves no half file under its name',
    async (signal) => {
      await runCli(charge('tok_approved', '--json'), { cwd: folder });
      const out = join(folder, 'log.csv');
      const { child, ended } = startCli(folder, ['audit', 'export', '--out', out, '--json']);
      const sealed = await countOf(book.path, 'audit_rows');
      while (child.exitCode === null && (await runProcess('ls', ['-A', folder], {})).stdout.indexOf('.log.csv') < 0) {
        if ((await countOf(book.path, 'audit_rows')) > sealed) break;
      }
      child.kill(signal);
      await ended;
      const names = (await runProcess('ls', ['-A', folder], {})).stdout.split('\n');
      if (names.includes('log.csv') && names.includes('log.csv.manifest.json')) {
        const verified = await runCli(['audit', 'verify', '--file', out], { cwd: folder });
        expect(verified.code, verified.stdout).toBe(0);
      }
      for (const name of names.filter(
        (each) => each.includes('log.csv') && !['log.csv', 'log.csv.manifest.json'].includes(each),
      ))
        expect(name).toMatch(/^\.log\.csv(\.manifest\.json)?\.[0-9a-f]{12}\.tmp$/);
      await assertBookEqualsBank(book);
    },
  );
});
