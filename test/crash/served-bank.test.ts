// The bank dies in the middle of a run, with charges that it has executed and not answered, and comes back.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { assertExactlyOnce, runToTheEnd } from '../support/bank-judge.ts';
import { makeBillingBook } from '../support/billing-book.ts';
import { countOf } from '../support/rows.ts';
import { type ServedBank, serveBank } from '../support/served-bank.ts';
import { startRun, untilSettled } from '../support/started-run.ts';

let folder = '';
let bank: ServedBank | null = null;

afterEach(async () => {
  await bank?.end('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

const TOKENS = ['tok_approved', 'tok_approved', 'tok_approved', 'tok_insufficient_funds', 'tok_reset', 'tok_garbage'];

it('a served bank that is killed in the middle of a run: once it is back, each charge is collected once', async () => {
  folder = await mkdtemp(join(tmpdir(), 'bursar-served-'));
  const serve = (port: string) => serveBank(folder, ['--file', 'book.bank.db', '--port', port, '--latency-ms', '40']);
  bank = await serve('0');
  const { url } = bank;
  const book = await makeBillingBook(folder, 60, { tokens: TOKENS, gateway: { url, timeoutMs: 2_000 } });
  const run = startRun(book, ['--concurrency', '4']);
  await untilSettled(book, 20);
  expect(await bank.end('SIGKILL')).toMatchObject({ signal: 'SIGKILL' });
  const { code, stdout, stderr } = await run.ended;
  expect([0, 4, 7], stderr + stdout).toContain(code);
  expect(await countOf(book.path, 'attempts WHERE outcome IS NULL')).toBe(0);
  expect(await countOf(book.path, `charges WHERE status <> 'captured'`)).toBeGreaterThan(0);
  bank = await serve(new URL(url).port);
  await runToTheEnd(book);
  await assertExactlyOnce(book);
});
