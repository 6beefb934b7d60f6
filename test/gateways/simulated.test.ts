// What the simulated bank does by rules of its own, beyond the contract of all gateways.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import type { Gateway, GatewayRequest, Operation } from '../../src/gateways/gateway.ts';
import { createGateway } from '../../src/gateways/registry.ts';
import { type Bank, openBank } from '../../src/gateways/simulated/bank-desk.ts';
import type { Executed } from '../../src/gateways/simulated/payment.ts';
import { createSimulatedGateway } from '../../src/gateways/simulated/simulated-gateway.ts';
import type { SimulatedConfig } from '../../src/gateways/simulated/terms.ts';
import { transportTo } from '../../src/gateways/simulated/transport.ts';
import { attemptKey, newId } from '../../src/ids.ts';
import { type ManualClock, manualClock } from './manual-clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'bank-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('the simulated bank', () => {
  const signal = new AbortController().signal;
  let clock: ManualClock;
  let bank: Bank;
  let gateway: Gateway;

  async function start(config: SimulatedConfig = {}): Promise<void> {
    await bank?.close();
    bank = await openBank({ path: ':memory:', clock, config });
    const transport = transportTo(bank, clock);
    gateway = createSimulatedGateway({ name: 'bank', path: ':memory:', clock, config, transport });
  }

  function request(token: string, asked: { chargeId?: string; number?: number; operation?: Operation } = {}) {
    const { chargeId = newId('charge', clock.nowMs()), number = 1, operation = 'sale' } = asked;
    const attemptId = newId('attempt', clock.nowMs());
    const money = { amountMinor: 500n, currency: 'EUR', description: null };
    const facts = { operation, chargeId, attemptId, token, ...money, objectId: null, objectGeneration: 0 };
    const idempotencyKey = attemptKey('bk_test', chargeId, number);
    return { ...facts, ...gateway.prepare(facts), idempotencyKey } satisfies GatewayRequest;
  }

  async function executed(): Promise<Executed[]> {
    const pages: Executed[] = [];
    for await (const page of bank.listing()) pages.push(...page);
    return pages;
  }

  beforeEach(async () => {
    clock = manualClock();
    await start();
  });
  afterEach(() => bank.close());

  it('names one object per charge and generation, and numbers its operations', async () => {
    const sale = request('tok_do_not_honor');
    expect(sale.objectId).toBe(`bp_${sale.chargeId.slice(3)}_0`);
    await gateway.send(sale, signal);
    const again = request('tok_approved', { chargeId: sale.chargeId, number: 2 });
    expect(await gateway.send(again, signal)).toMatchObject({ reference: `${sale.objectId}/2` });
  });

  it('writes down a second collection that it refused', async () => {
    const sale = request('tok_approved');
    await gateway.send(sale, signal);
    expect(await bank.refusals()).toEqual([]);
    const second = request('tok_approved', { chargeId: sale.chargeId, number: 2 });
    expect(await gateway.send(second, signal)).toMatchObject({ kind: 'unknown', reason: 'already_captured' });
    const line = { code: 'payment_already_captured', chargeId: sale.chargeId, key: second.idempotencyKey };
    expect(await bank.refusals()).toEqual([expect.objectContaining(line)]);
  });

  it('forgets a key when its time is over: a refund would execute again, a capture is still refused', async () => {
    await start({ keyRetentionMs: 1_000 });
    const sale = request('tok_approved');
    await gateway.send(sale, signal);
    const half = { ...request('tok_approved', { chargeId: sale.chargeId, number: 2, operation: 'refund' }) };
    const refund = { ...half, amountMinor: 200n, body: half.body.replace('"500"', '"200"') };
    await gateway.send(refund, signal);
    clock.advance(999);
    await gateway.send(refund, signal);
    expect(await executed()).toHaveLength(2);
    clock.advance(1);
    await gateway.send(refund, signal);
    expect((await executed()).map(({ operation }) => operation)).toEqual(['sale', 'refund', 'refund']);
    expect(await gateway.send(sale, signal)).toMatchObject({ kind: 'unknown', reason: 'already_captured' });
    expect(await gateway.lookup(sale, signal)).toMatchObject({ kind: 'found', outcome: { kind: 'approved' } });
  });

  it('turns away what is over its rate, for all who use the file, and fills up again', async () => {
    await start({ rateLimitPerSecond: 3 });
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => gateway.send(request('tok_approved'), signal)));
    const limited = { kind: 'rejected', reason: 'transport', providerCode: 'http_429', retryAfterMs: 1_000 };
    expect(outcomes.filter(({ kind }) => kind === 'approved')).toHaveLength(3);
    expect(outcomes.slice(3)).toEqual([expect.objectContaining(limited), expect.objectContaining(limited)]);
    clock.advance(1_000);
    expect((await gateway.send(request('tok_approved'), signal)).kind).toBe('approved');
    expect(await executed()).toHaveLength(4);
  });

  it('does not show in lookups and lists what is younger than its lag', async () => {
    await start({ listLagMs: 5_000 });
    const sale = request('tok_approved');
    await gateway.send(sale, signal);
    clock.advance(4_999);
    expect(await gateway.lookup(sale, signal)).toEqual({ kind: 'absent' });
    clock.advance(1);
    expect((await gateway.lookup(sale, signal)).kind).toBe('found');
  });

  it('draws flaky declines from seed and key alone', async () => {
    const requests = Array.from({ length: 200 }, () => request('tok_flaky:0.3'));
    const first = await Promise.all(requests.map((each) => gateway.send(each, signal)));
    await start();
    const second: string[] = [];
    for (const each of requests) second.push((await gateway.send(each, signal)).kind);
    expect(second).toEqual(first.map(({ kind }) => kind));
    const declines = second.filter((kind) => kind === 'declined').length;
    expect(declines).toBeGreaterThan(30);
    expect(declines).toBeLessThan(90);
  });

  it('approves what required action when the customer confirms, and says so to a lookup', async () => {
    const sale = request('tok_requires_action');
    await gateway.send(sale, signal);
    const paymentId = sale.objectId ?? '';
    expect(await bank.submit({ kind: 'confirm', paymentId })).toMatchObject({ status: 200 });
    expect(await bank.submit({ kind: 'confirm', paymentId })).toMatchObject({ status: 409 });
    expect(await gateway.lookup(sale, signal)).toMatchObject({ kind: 'found', outcome: { kind: 'approved' } });
    expect(await executed()).toHaveLength(1);
  });

  it('answers tok_slow after its delay', async () => {
    const startMs = clock.nowMs();
    expect((await gateway.send(request('tok_slow:1.5s'), signal)).kind).toBe('approved');
    expect(clock.nowMs() - startMs).toBe(1_500);
  });

  it('refuses another amount for the same object', async () => {
    const sale = request('tok_do_not_honor');
    await gateway.send(sale, signal);
    const second = request('tok_approved', { chargeId: sale.chargeId, number: 2 });
    const dearer = { ...second, amountMinor: 501n, body: second.body.replace('"500"', '"501"') };
    const outcome = await gateway.send(dearer, signal);
    expect(outcome).toMatchObject({ kind: 'rejected', reason: 'ours', providerCode: 'amount_mismatch' });
  });

  it('pages its listing', async () => {
    const requests = Array.from({ length: 2_500 }, () => request('tok_approved'));
    await Promise.all(requests.map((each) => gateway.send(each, signal)));
    const lines = await executed();
    expect(new Set(lines.map(({ chargeId }) => chargeId)).size).toBe(2_500);
    const listed: string[] = [];
    for await (const { chargeId } of gateway.listRecent(0)) listed.push(chargeId);
    expect(listed).toEqual(lines.map(({ chargeId }) => chargeId));
  });

  it('makes its file readable by its owner only', async () => {
    const path = join(folder, 'mode.bank.db');
    const owned = await openBank({ path, clock });
    await owned.submit({ kind: 'cancel', paymentId: 'bp_1', chargeId: 'ch_1' });
    const modes = ['', '-wal', '-shm'].map((suffix) => statSync(path + suffix).mode & 0o777);
    await owned.close();
    expect(modes).toEqual([0o600, 0o600, 0o600]);
  });

  it('can be made by many at once', async () => {
    for (let round = 0; round < 10; round += 1) {
      const path = join(folder, `new-${round}.bank.db`);
      const opening = Array.from({ length: 4 }, () => openBank({ path, clock: systemClock }));
      const banks = await Promise.all(opening);
      expect(await Promise.all(banks.map((each) => each.countPayments()))).toEqual([0, 0, 0, 0]);
      await Promise.all(banks.map((each) => each.close()));
    }
  });

  it('is a host that refuses connections when its file can not be opened', async () => {
    const config = {};
    const lost = createSimulatedGateway({ name: 'bank', path: join(folder, 'missing', 'x.db'), clock, config });
    const outcome = await lost.send(request('tok_approved'), signal);
    expect(outcome).toMatchObject({ kind: 'rejected', reason: 'transport', providerCode: 'ECONNREFUSED' });
    await expect(lost.test(signal)).rejects.toMatchObject({ code: 'gateway_unreachable' });
    await lost.close();
  });
});

describe('createGateway', () => {
  const ports = { clock: manualClock(), bankPath: ':memory:', isLive: false };

  it('makes the simulated gateway', async () => {
    const gateway = await createGateway('play', { type: 'simulated' }, ports);
    expect(await gateway.test(new AbortController().signal)).toBe('simulated bank at :memory:: 0 payments');
    await gateway.close();
  });

  it('refuses a simulated gateway for a live book, and an unknown type', async () => {
    const live = createGateway('play', { type: 'simulated' }, { ...ports, isLive: true });
    await expect(live).rejects.toMatchObject({ code: 'gateway_refused' });
    const unknown = createGateway('other', { type: 'carrier-pigeon' as 'simulated' }, ports);
    await expect(unknown).rejects.toMatchObject({ code: 'unknown_gateway' });
  });
});
