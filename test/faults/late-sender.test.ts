// A sender that is suspended past its lease, on its way to the bank, wakes when its attempt was found absent and the charge
// has been collected by another: real processes on one book, and the built CLI for all that others do meanwhile.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cliEnvironment, runCli, temporaryFolder } from '../support/cli.ts';
import { rowsOf } from '../support/rows.ts';

const SENDER = fileURLToPath(new URL('../support/late-sender.ts', import.meta.url));
const TAMPER = fileURLToPath(new URL('../support/tamper.mjs', import.meta.url));
/** A request may be sent again for half of this after its first send. */
const KEY_RETENTION_MS = 20_000;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let sender: ChildProcess | null = null;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  if (sender?.exitCode === null) sender.kill('SIGKILL');
  sender = null;
  await folder.remove();
});

async function bursar(
  ...args: string[]
): Promise<{ code: number | null; json: Record<string, never>; stderr: string }> {
  const { code, stdout, stderr } = await runCli([...args, '--json'], { cwd: folder.path });
  return { code, json: stdout === '' ? {} : JSON.parse(stdout), stderr };
}

/** A book whose bank makes the given payment objects, with a customer. */
async function makeBook(paymentObject: 'charge' | 'attempt') {
  const simulated = { type: 'simulated', paymentObject, keyRetentionMs: KEY_RETENTION_MS, timeoutMs: 20_000 };
  const config = { books: { main: { url: './book.db' } }, gateways: { simulated } };
  await writeFile(join(folder.path, 'bursar.config.json'), JSON.stringify(config));
  expect((await bursar('init', '--book', './book.db', '--mode', 'test')).code).toBe(0);
  const customer: string = (await bursar('customers', 'create', '--name', 'Ada')).json.id ?? '';
  const method = await bursar('methods', 'add', '--customer', customer, '--token', 'tok_approved');
  return { customer, method: method.json.id ?? '', config: JSON.stringify(simulated) };
}

/** Starts the sender and waits until it has stopped itself. */
async function startSender(paymentObject: 'charge' | 'attempt', where: 'before' | 'behind') {
  const { customer, method, config } = await makeBook(paymentObject);
  const path = join(folder.path, 'book.db');
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', SENDER, path, join(folder.path, 'book.bank.db'), customer, method, where, config],
    {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      env: cliEnvironment(folder.path),
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  sender = child;
  let said = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = new Promise<{ id: string; status: string }>((resolve, reject) => {
    child.once('close', (code) =>
      code === 0 ? resolve(JSON.parse(said)) : reject(new Error(`it ended with ${code}`)),
    );
  });
  // Its state stands behind its name in parentheses.
  while (!/\) T /.test(await readFile(`/proc/${child.pid}/stat`, 'utf8'))) await delay(50);
  const [attempt] = await rowsOf<{ id: string; charge_id: string; first_sent_at: number }>(
    path,
    'SELECT id, charge_id, first_sent_at FROM attempts',
  );
  if (attempt === undefined) throw new Error('nothing was opened');
  return { child, ended, attempt, path };
}

/** Its lease is over, and so is the time in which its request may be sent again. */
async function outlive(path: string, firstSentAt: number): Promise<void> {
  const run = spawn(process.execPath, [TAMPER, path, 'UPDATE owners SET expires_at = 0'], { stdio: 'inherit' });
  await new Promise((resolve) => run.once('close', resolve));
  await delay(Math.max(0, firstSentAt + KEY_RETENTION_MS / 2 - Date.now()) + 1);
}

const salesAt = async (): Promise<string[]> =>
  (
    await rowsOf<{ attempt_id: string }>(
      join(folder.path, 'book.bank.db'),
      `SELECT attempt_id FROM executed WHERE operation = 'sale'`,
    )
  ).map(({ attempt_id }) => attempt_id);

/** Found absent, told so by an operator who won't wait for what may still be on its way, and collected once more. */
async function collectAgain(chargeId: string, attemptId: string): Promise<void> {
  expect((await bursar('billing', 'run')).code).toBe(4);
  const listed = await bursar('charges', 'list', '--status', 'unknown');
  expect(listed.json.items).toMatchObject([{ id: chargeId, proof: { lastResult: 'absent', fixableBy: 'run' } }]);
  const told = await bursar('attempts', 'resolve', attemptId, '--as', 'not-executed', '--force', '--reason', 'no');
  expect(told.code, told.stderr).toBe(0);
  const replayed = await bursar('charges', 'replay', chargeId, '--reason', 'again');
  expect(replayed.json.replayed, replayed.stderr).toMatchObject([{ status: 'captured' }]);
}

test('stopped before the checks, it sends nothing any more', async () => {
  const { child, ended, attempt, path } = await startSender('attempt', 'before');
  await outlive(path, attempt.first_sent_at);
  await collectAgain(attempt.charge_id, attempt.id);
  child.kill('SIGCONT');
  expect(await ended).toEqual({ id: attempt.charge_id, status: 'captured' });
  const sales = await salesAt();
  expect(sales).toHaveLength(1);
  expect(sales).not.toContain(attempt.id);
  expect((await bursar('ledger', 'check')).code).toBe(0);
}, 300_000);

test('stopped behind the checks, it gets through: a duplicate, whose refund is proposed and made', async () => {
  const { child, ended, attempt, path } = await startSender('attempt', 'behind');
  await outlive(path, attempt.first_sent_at);
  await collectAgain(attempt.charge_id, attempt.id);
  child.kill('SIGCONT');
  await ended;
  expect(await salesAt()).toHaveLength(2);
  const shown = await bursar('charges', 'show', attempt.charge_id);
  const command = `bursar charges refund ${attempt.charge_id} --duplicate ${attempt.id}`;
  expect(shown.json).toMatchObject({ status: 'captured', capturedMinor: '1250', proposedCommands: [command] });
  const doctor = await bursar('doctor');
  expect(doctor.json.findings).toContainEqual(expect.objectContaining({ code: 'duplicate_not_refunded', command }));
  const refunded = await bursar(...command.split(' ').slice(1));
  expect(refunded.json, refunded.stderr).toMatchObject({ refundedMinor: '0', refund: { status: 'succeeded' } });
  expect((await bursar('charges', 'show', attempt.charge_id)).json).toMatchObject({ proposedCommands: [] });
  const lines = await rowsOf<{ operation: string; payment_id: string }>(
    join(folder.path, 'book.bank.db'),
    'SELECT operation, payment_id FROM executed ORDER BY id',
  );
  // The bank gave back the payment that came late, which is the second of its lines.
  expect(lines.map(({ operation }) => operation)).toEqual(['sale', 'sale', 'refund']);
  expect(lines[2]?.payment_id).toBe(lines[1]?.payment_id);
  expect((await bursar('ledger', 'check')).code).toBe(0);
}, 300_000);

test('where the payment could be closed, it is turned away', async () => {
  const { child, ended, attempt, path } = await startSender('charge', 'behind');
  await outlive(path, attempt.first_sent_at);
  expect((await bursar('billing', 'run')).json).toMatchObject({ counts: { resolved: 1 } });
  const replayed = await bursar('charges', 'replay', attempt.charge_id, '--reason', 'again');
  expect(replayed.json.replayed, replayed.stderr).toMatchObject([{ status: 'captured' }]);
  child.kill('SIGCONT');
  await ended;
  expect(await salesAt()).toHaveLength(1);
  const shown = await bursar('charges', 'show', attempt.charge_id);
  expect(shown.json).toMatchObject({ capturedMinor: '1250', proposedCommands: [] });
  expect((await bursar('ledger', 'check')).code).toBe(0);
}, 300_000);
