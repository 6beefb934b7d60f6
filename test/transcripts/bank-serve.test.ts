// `bursar bank serve`: what it says, where it refuses, how it stops, and charges that go through it.

import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli, temporaryFolder } from '../support/cli.ts';
import { countOf } from '../support/rows.ts';
import { type ServedBank, serveBank } from '../support/served-bank.ts';

describe('bursar bank serve', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let bank: ServedBank | null = null;
  const bursar = async (...args: string[]) => {
    const result = await runCli([...args, '--json'], { cwd: folder.path });
    return { ...result, json: JSON.parse(result.stdout) };
  };
  const refusal = async (...args: string[]) => {
    const { code, json } = await bursar('bank', 'serve', ...args);
    return { code, ...json.error };
  };
  beforeEach(async () => {
    folder = await temporaryFolder();
  });
  afterEach(async () => {
    await bank?.end('SIGKILL');
    bank = null;
    await folder.remove();
  });

  const order = (id: string, token = 'tok_approved') => ({
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': `key_${id}` },
    body: JSON.stringify({
      amountMinor: '1250',
      attemptId: `att_${id}`,
      chargeId: `ch_${id}`,
      currency: 'USD',
      operation: 'sale',
      paymentId: `bp_${id}`,
      token,
    }),
  });

  it('takes charges of a book whose gateway has its url, and tells them', async () => {
    await bursar('init', '--book', './book.db', '--mode', 'test');
    bank = await serveBank(folder.path, ['--port', '0']);
    const gateways = { simulated: { type: 'simulated', url: bank.url, listLagMs: 60_000 } };
    const config = { books: { main: { url: './book.db' } }, gateways };
    await writeFile(join(folder.path, 'bursar.config.json'), JSON.stringify(config));
    const customer = (await bursar('customers', 'create', '--name', 'Ada Lovelace')).json.id;
    const charges = [
      ['tok_approved', 0],
      ['tok_lost_card', 3],
      ['tok_reset', 4],
      ['tok_garbage', 4],
      ['tok_500_after_charging', 4],
    ] as const;
    for (const [token, code] of charges) {
      const method = ['--customer', customer, '--gateway', 'simulated', '--token', token];
      const { id } = (await bursar('methods', 'add', ...method)).json;
      const made = await bursar(
        'charges',
        'create',
        '--customer',
        customer,
        '--method',
        id,
        '--amount',
        '5',
        '--currency',
        'USD',
      );
      expect([made.code, token], made.stderr + made.stdout).toEqual([code, token]);
    }
    // Though its lists lag: the operator of a bank sees everything.
    const listed = await bursar('bank', 'charges');
    expect(listed.json).toMatchObject({ schema: 'bursar.bank_charges/1', seed: 1 });
    expect(listed.json.charges).toHaveLength(4);
    expect(await countOf(join(folder.path, 'book.bank.db'), 'executed')).toBe(4);
    const reached = await bursar('gateways', 'test');
    expect(reached.json.gateways[0]).toMatchObject({ ok: true, message: `simulated bank at ${bank.url}: 5 payments` });
    expect(await bank.end('SIGTERM')).toMatchObject({ code: 0 });
    const gone = await bursar('gateways', 'test');
    expect(gone.code).toBe(7);
    expect(gone.json.gateways[0].message).toContain(`${bank.url} did not answer: ECONNREFUSED`);
    expect((await bursar('bank', 'charges')).json.error).toMatchObject({ code: 'gateway_unreachable', exitCode: 7 });
  });

  it('gives the answers in flight when it is stopped, and not those that would never come', async () => {
    bank = await serveBank(folder.path, ['--port', '0', '--file', ':memory:', '--latency-ms', '700']);
    const { url } = bank;
    const slow = fetch(`${url}/v1/payments/bp_slow/sale`, order('slow'));
    const silent = fetch(`${url}/v1/payments/bp_silent/sale`, order('silent', 'tok_timeout_after_charging'));
    const broken = expect(silent).rejects.toThrow('fetch failed');
    await delay(300);
    const ended = bank.end('SIGINT');
    const answer = await slow;
    expect(await answer.json()).toMatchObject({ status: 'approved' });
    expect(answer.headers.get('connection')).toBe('close');
    await broken;
    expect(await ended).toMatchObject({ code: 0, signal: null });
  });

  it('reads no more than a megabyte, and answers what it can not use', async () => {
    bank = await serveBank(folder.path, ['--port', '0', '--file', ':memory:']);
    const { url } = bank;
    const large = { ...order('large'), body: ' '.repeat(1_000_001) };
    const tooLarge = await fetch(`${url}/v1/payments/bp_large/sale`, large);
    expect([tooLarge.status, await tooLarge.json()]).toMatchObject([413, { error: { code: 'body_too_large' } }]);
    const unknown = await fetch(`${url}/v2/nothing`);
    expect([unknown.status, await unknown.json()]).toMatchObject([400, { error: { code: 'malformed_request' } }]);
    const status = await fetch(`${url}/v1/status`);
    expect(await status.json()).toEqual({ payments: 0 });
  });

  it('refuses what it can not serve', async () => {
    await bursar('init', '--book', './book.db', '--mode', 'test');
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    expect(await refusal('--port', String(port))).toMatchObject({ code: 'conflict', exitCode: 1 });
    taken.close();
    expect(await refusal('--port', '65536')).toMatchObject({ code: 'invalid_value' });
    expect(await refusal('--host', '0.0.0.0')).toMatchObject({ code: 'invalid_value', exitCode: 2 });
    expect(await refusal('--file', 'none/bank.db')).toMatchObject({ code: 'gateway_unreachable', exitCode: 7 });
    expect(await refusal('--file', 'book.db')).toMatchObject({ code: 'gateway_unreachable', exitCode: 7 });
    expect(await refusal('--gateway', 'other')).toMatchObject({ code: 'unknown_gateway' });
    expect((await bursar('ledger', 'check')).code).toBe(0);
  });
});
