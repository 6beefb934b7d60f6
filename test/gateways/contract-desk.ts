// What the contract's tests ask through: a gateway opened anew for each test, and the requests that they send to it.
import { afterEach, beforeEach } from 'vitest';
import { assert } from '../../src/errors.ts';
import type { DeclineCode } from '../../src/gateways/declines.ts';
import type { Gateway, GatewayRecord, GatewayRequest, Lookup, Operation, Outcome } from '../../src/gateways/gateway.ts';
import { attemptKey, newId } from '../../src/ids.ts';

/** A gateway against a provider (or a stand-in for one) that has seen nothing yet. */
export interface OpenGateway {
  gateway: Gateway;
  nowMs(): number;
  /** Lets time pass at the provider. */
  advance(durationMs: number): Promise<void>;
  close(): Promise<void>;
}

export interface GatewayUnderTest {
  name: string;
  open(): Promise<OpenGateway>;
  currency: string;
  tokens: {
    approved: string;
    declined: { token: string; decline: DeclineCode }[];
    /** Executes, then the answer is lost or spoilt; `reason` is what the unknown outcome says. */
    brokenAfterExecution: { token: string; reason: string }[];
    /** Never executes and never answers; `null` where a provider has no such token. */
    lostBefore: string | null;
    requiresAction: string | null;
    settling: { token: string; settlesAfterMs: number } | null;
    unauthorized: string | null;
  };
}

interface Asked {
  chargeId: string;
  number: number;
  operation: Operation;
  token: string;
  amountMinor: bigint;
  objectId: string | null;
  objectGeneration: number;
}

/** Opens the gateway before each test of the suite that calls this, and closes it after. */
export function deskFor(subject: GatewayUnderTest) {
  const signal = new AbortController().signal;
  let open: OpenGateway | null = null;
  beforeEach(async () => {
    open = await subject.open();
  });
  afterEach(() => open?.close());

  function opened(): OpenGateway {
    assert(open !== null, 'the gateway is open during a test');
    return open;
  }

  /** A request as the pipeline would store it; a sale of 19.99 with the approved token unless asked otherwise. */
  function request(asked: Partial<Asked> = {}): GatewayRequest {
    const chargeId = asked.chargeId ?? newId('charge', opened().nowMs());
    const facts = {
      operation: asked.operation ?? 'sale',
      chargeId,
      attemptId: newId('attempt', opened().nowMs()),
      token: asked.token ?? subject.tokens.approved,
      amountMinor: asked.amountMinor ?? 1999n,
      currency: subject.currency,
      description: null,
      objectId: asked.objectId ?? null,
      objectGeneration: asked.objectGeneration ?? 0,
    };
    const idempotencyKey = attemptKey('bk_contract', chargeId, asked.number ?? 1);
    return { ...facts, ...opened().gateway.prepare(facts), idempotencyKey };
  }

  const send = (sent: GatewayRequest) => opened().gateway.send(sent, signal);

  return {
    get gateway(): Gateway {
      return opened().gateway;
    },
    nowMs: () => opened().nowMs(),
    advance: (durationMs: number) => opened().advance(durationMs),
    request,
    send,

    async approved(sent: GatewayRequest): Promise<Extract<Outcome, { kind: 'approved' }>> {
      const outcome = await send(sent);
      assert(outcome.kind === 'approved', `approved, not ${JSON.stringify(outcome, (_, each) => String(each))}`);
      return outcome;
    },

    /** A later operation on the object of an earlier request. */
    following(
      first: GatewayRequest,
      operation: Operation,
      number: number,
      amountMinor = first.amountMinor,
    ): GatewayRequest {
      return request({ chargeId: first.chargeId, operation, number, amountMinor, objectId: first.objectId });
    },

    /** A lookup when its lag is over. */
    async lookup(asked: GatewayRequest): Promise<Lookup> {
      const { gateway } = opened();
      await opened().advance(gateway.capabilities.lookupLagMs);
      return gateway.lookup(asked, signal);
    },

    /** All that the provider says it has executed, when the lag of its list is over. */
    async executed(): Promise<GatewayRecord[]> {
      const { gateway } = opened();
      await opened().advance(gateway.capabilities.lookupLagMs);
      const records: GatewayRecord[] = [];
      for await (const record of gateway.listRecent(0)) records.push(record);
      return records;
    },
  };
}
