// The contract, second part: faults, lookups and cancelling, where money must not move twice.
import { describe, expect, it } from 'vitest';
import { deskFor, type GatewayUnderTest } from './contract-desk.ts';

export function faultContract(subject: GatewayUnderTest): void {
  const { tokens } = subject;
  const signal = new AbortController().signal;
  const desk = deskFor(subject);

  describe('faults', () => {
    it.each(tokens.brokenAfterExecution)(
      '$token is unknown ($reason), found by lookup, and not repeated',
      async ({ token, reason }) => {
        const sale = desk.request({ token });
        expect(await desk.send(sale)).toMatchObject({ kind: 'unknown', reason });
        await desk.advance(desk.gateway.capabilities.lookupLagMs);
        const found = await desk.lookup(sale);
        expect(found).toMatchObject({ kind: 'found', outcome: { kind: 'approved', amountMinor: sale.amountMinor } });
        expect(found).toEqual({ kind: 'found', outcome: await desk.send(sale) });
        expect(await desk.executed()).toHaveLength(1);
      },
    );

    it.each(tokens.brokenAfterExecution)('a capture and a refund with $token are unknown too', async ({ token }) => {
      const authorization = desk.request({ operation: 'authorize', token });
      expect((await desk.send(authorization)).kind).toBe('unknown');
      const capture = desk.following(authorization, 'capture', 2);
      expect((await desk.send(capture)).kind).toBe('unknown');
      const refund = desk.following(authorization, 'refund', 3);
      expect((await desk.send(refund)).kind).toBe('unknown');
      expect((await desk.executed()).map(({ operation }) => operation)).toEqual(['authorize', 'capture', 'refund']);
      expect(await desk.lookup(refund)).toMatchObject({ kind: 'found', outcome: { kind: 'approved' } });
    });

    it.runIf(tokens.lostBefore !== null)(
      'a request lost on its way is unknown, absent, and impossible once cancelled',
      async () => {
        const sale = desk.request({ token: tokens.lostBefore ?? '' });
        expect(await desk.send(sale)).toMatchObject({ kind: 'unknown', reason: 'timeout' });
        expect(await desk.lookup(sale)).toEqual({ kind: 'absent' });
        if (desk.gateway.capabilities.absenceProof !== 'cancel') return;
        expect(await desk.gateway.cancel(sale, signal)).toEqual({ kind: 'closed' });
        const late = desk.request({ chargeId: sale.chargeId, objectId: sale.objectId });
        expect(await desk.send(late)).toMatchObject({ kind: 'rejected', reason: 'transport' });
        expect(await desk.executed()).toEqual([]);
        await desk.approved(desk.request({ chargeId: sale.chargeId, number: 2, objectGeneration: 1 }));
      },
    );

    it('does not send for a caller who has given up already', async () => {
      const outcome = await desk.gateway.send(desk.request(), AbortSignal.abort());
      expect(outcome).toMatchObject({ kind: 'rejected', reason: 'transport' });
      expect(await desk.executed()).toEqual([]);
    });

    it.runIf(tokens.lostBefore !== null)('is unknown when the caller gives up in the middle', async () => {
      const caller = new AbortController();
      const sending = desk.gateway.send(desk.request({ token: tokens.lostBefore ?? '' }), caller.signal);
      setImmediate(() => caller.abort());
      expect(await sending).toMatchObject({ kind: 'unknown', reason: 'aborted' });
    });
  });

  describe('lookup and cancel', () => {
    it('knows nothing of what was never sent', async () => {
      expect(await desk.lookup(desk.request())).toEqual({ kind: 'absent' });
    });

    it('does not cancel what was executed, but tells it', async () => {
      if (desk.gateway.capabilities.absenceProof !== 'cancel') return;
      const sale = desk.request();
      const outcome = await desk.approved(sale);
      expect(await desk.gateway.cancel(sale, signal)).toEqual({ kind: 'executed', outcome });
      expect(await desk.executed()).toHaveLength(1);
    });

    it('cancels twice as well as once', async () => {
      if (desk.gateway.capabilities.absenceProof !== 'cancel') return;
      const sale = desk.request({ token: tokens.declined[0]?.token ?? '' });
      await desk.send(sale);
      expect(await desk.gateway.cancel(sale, signal)).toEqual({ kind: 'closed' });
      expect(await desk.gateway.cancel(sale, signal)).toEqual({ kind: 'closed' });
    });

    it.each(['capture', 'void', 'refund'] as const)('has no cancelling of a %s', async (operation) => {
      const authorization = desk.request({ operation: 'authorize' });
      await desk.approved(authorization);
      const later = desk.following(authorization, operation, 2);
      expect(await desk.gateway.cancel(later, signal)).toEqual({ kind: 'unsupported' });
    });

    it.runIf(tokens.requiresAction !== null)('tells that the customer has to act; cancelling ends it', async () => {
      const sale = desk.request({ token: tokens.requiresAction ?? '' });
      const outcome = await desk.send(sale);
      expect(outcome.kind).toBe('requires_action');
      expect(await desk.lookup(sale)).toEqual({ kind: 'found', outcome });
      expect(await desk.gateway.cancel(sale, signal)).toEqual({ kind: 'closed' });
      expect(await desk.lookup(sale)).toMatchObject({ kind: 'found', outcome: { kind: 'declined' } });
      expect(await desk.executed()).toEqual([]);
    });

    it.runIf(tokens.settling !== null)('tells a settling debit, and its approval when it has settled', async () => {
      const sale = desk.request({ token: tokens.settling?.token ?? '' });
      const outcome = await desk.send(sale);
      expect(outcome.kind).toBe('settling');
      expect(await desk.lookup(sale)).toEqual({ kind: 'found', outcome });
      expect(await desk.gateway.cancel(sale, signal)).toEqual({ kind: 'executed', outcome });
      expect(await desk.executed()).toEqual([]);
      await desk.advance(tokens.settling?.settlesAfterMs ?? 0);
      expect(await desk.lookup(sale)).toMatchObject({ kind: 'found', outcome: { kind: 'approved' } });
      expect(await desk.executed()).toHaveLength(1);
    });
  });

  it('lists only what was executed since a time', async () => {
    await desk.approved(desk.request());
    await desk.advance(10_000);
    const sinceMs = desk.nowMs();
    const later = desk.request();
    await desk.approved(later);
    await desk.advance(desk.gateway.capabilities.lookupLagMs);
    const listed: string[] = [];
    for await (const record of desk.gateway.listRecent(sinceMs)) listed.push(record.chargeId);
    expect(listed).toEqual([later.chargeId]);
  });

  it('tests its reach with one line', async () => {
    const line = await desk.gateway.test(signal);
    expect(line).not.toMatch(/\n|^$/);
  });
}
