// The contract, first part: what moves money, and that it moves once.
import { describe, expect, it } from 'vitest';
import { newId } from '../../src/ids.ts';
import { deskFor, type GatewayUnderTest } from './contract-desk.ts';

export function moneyContract(subject: GatewayUnderTest): void {
  const { tokens, currency } = subject;
  const desk = deskFor(subject);

  describe('prepare', () => {
    it('gives the same bytes for the same facts', () => {
      const facts = {
        operation: 'sale' as const,
        chargeId: newId('charge', desk.nowMs()),
        attemptId: newId('attempt', desk.nowMs()),
        token: tokens.approved,
        amountMinor: 1n + desk.gateway.capabilities.minimumMinor,
        currency,
        description: 'March',
        objectId: null,
        objectGeneration: 0,
      };
      const reordered = Object.fromEntries(Object.entries(facts).reverse()) as typeof facts;
      expect(desk.gateway.prepare(reordered)).toEqual(desk.gateway.prepare(facts));
    });

    it('refuses an amount below the minimum before anything is sent', async () => {
      const tooLittle = desk.gateway.capabilities.minimumMinor - 1n;
      expect(() => desk.request({ amountMinor: tooLittle })).toThrow(
        expect.objectContaining({ code: 'gateway_refused' }),
      );
      expect(await desk.executed()).toEqual([]);
    });
  });

  describe('sale', () => {
    it('is approved over the whole amount, and listed with its ids', async () => {
      const sale = desk.request();
      const outcome = await desk.approved(sale);
      expect(outcome.amountMinor).toBe(sale.amountMinor);
      expect(outcome.reference).not.toBe('');
      const { chargeId, attemptId, amountMinor } = sale;
      const { reference } = outcome;
      const line = { chargeId, attemptId, operation: 'sale', amountMinor, currency, reference };
      expect(await desk.executed()).toEqual([expect.objectContaining(line)]);
    });

    it('answers a resend of the same key and body with the same outcome, executing nothing', async () => {
      const sale = desk.request();
      const first = await desk.approved(sale);
      expect(await desk.send(sale)).toEqual(first);
      expect(await desk.executed()).toHaveLength(1);
    });

    it('executes once when the same request arrives several times at once', async () => {
      const sale = desk.request();
      const outcomes = await Promise.all(Array.from({ length: 8 }, () => desk.send(sale)));
      expect(outcomes.some((outcome) => outcome.kind === 'approved')).toBe(true);
      expect(outcomes.filter(({ kind }) => kind !== 'approved' && kind !== 'unknown')).toEqual([]);
      expect(await desk.executed()).toHaveLength(1);
    });

    it('leaves a key with another body unknown, and executes nothing', async () => {
      const sale = desk.request();
      await desk.approved(sale);
      const other = desk.request({ amountMinor: sale.amountMinor + 1n });
      const outcome = await desk.send({ ...other, idempotencyKey: sale.idempotencyKey });
      expect(outcome.kind).toBe('unknown');
      expect(await desk.executed()).toHaveLength(1);
    });

    it.runIf(tokens.unauthorized !== null)('is rejected as ours when the credentials are refused', async () => {
      const outcome = await desk.send(desk.request({ token: tokens.unauthorized ?? '' }));
      expect(outcome).toMatchObject({ kind: 'rejected', reason: 'ours' });
      expect(await desk.executed()).toEqual([]);
    });
  });

  describe('declines', () => {
    it.each(tokens.declined)('$token is data: $decline', async ({ token, decline }) => {
      const sale = desk.request({ token });
      expect(await desk.send(sale)).toMatchObject({ kind: 'declined', decline });
      expect(await desk.lookup(sale)).toMatchObject({ kind: 'found', outcome: { kind: 'declined', decline } });
      expect(await desk.executed()).toEqual([]);
    });

    it('can be tried again with another method, and then collects once', async () => {
      const [declined] = tokens.declined;
      const first = desk.request({ token: declined?.token ?? '' });
      await desk.send(first);
      await desk.approved(desk.request({ chargeId: first.chargeId, number: 2, objectId: first.objectId }));
      expect(await desk.executed()).toHaveLength(1);
    });

    it('does not collect a second time with another key, where the payment object is per charge', async () => {
      if (desk.gateway.capabilities.paymentObject !== 'charge') return;
      const first = desk.request();
      await desk.approved(first);
      const outcome = await desk.send(desk.request({ chargeId: first.chargeId, number: 2, objectId: first.objectId }));
      expect(outcome.kind).toBe('unknown');
      expect(await desk.executed()).toHaveLength(1);
    });
  });

  describe('authorize, capture, void, refund', () => {
    it('captures a part once', async () => {
      if (!desk.gateway.capabilities.partialCapture) return;
      const authorization = desk.request({ operation: 'authorize' });
      await desk.approved(authorization);
      const capture = desk.following(authorization, 'capture', 2, 1500n);
      expect((await desk.approved(capture)).amountMinor).toBe(1500n);
      expect((await desk.send(desk.following(authorization, 'capture', 3, 400n))).kind).not.toBe('approved');
      expect((await desk.executed()).map(({ operation }) => operation)).toEqual(['authorize', 'capture']);
    });

    it('captures no more than was authorized', async () => {
      const authorization = desk.request({ operation: 'authorize' });
      await desk.approved(authorization);
      const outcome = await desk.send(desk.following(authorization, 'capture', 2, authorization.amountMinor + 1n));
      expect(['rejected', 'declined']).toContain(outcome.kind);
    });

    it('gives each operation a reference of its own', async () => {
      const authorization = desk.request({ operation: 'authorize' });
      const first = await desk.approved(authorization);
      const capture = desk.following(authorization, 'capture', 2);
      const second = await desk.approved(capture);
      expect(second.reference).not.toBe(first.reference);
      expect(await desk.lookup(authorization)).toEqual({ kind: 'found', outcome: first });
      expect(await desk.lookup(capture)).toEqual({ kind: 'found', outcome: second });
    });

    it('voids an authorization, which is then not captured', async () => {
      const authorization = desk.request({ operation: 'authorize' });
      await desk.approved(authorization);
      await desk.approved(desk.following(authorization, 'void', 2));
      expect((await desk.send(desk.following(authorization, 'capture', 3))).kind).not.toBe('approved');
    });

    it('refunds in parts up to what was captured', async () => {
      const sale = desk.request();
      await desk.approved(sale);
      await desk.approved(desk.following(sale, 'refund', 2, 1000n));
      await desk.approved(desk.following(sale, 'refund', 3, 999n));
      expect((await desk.send(desk.following(sale, 'refund', 4, 1n))).kind).not.toBe('approved');
      const refunds = (await desk.executed()).filter(({ operation }) => operation === 'refund');
      expect(refunds.map(({ amountMinor }) => amountMinor)).toEqual([1000n, 999n]);
    });
  });
}
