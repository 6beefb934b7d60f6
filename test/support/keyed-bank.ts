// A bank in the test's own process that protects nobody: it executes once per idempotency key and that is all. It has no
// payment object that would refuse a second execution, and unless told otherwise its lookups find nothing, so that what
// keeps a charge from being collected twice is bursar alone.
import type {
  Cancellation,
  Capabilities,
  Gateway,
  GatewayRequest,
  Lookup,
  OperationFacts,
  Outcome,
} from '../../src/gateways/gateway.ts';

export type Answer =
  | 'approve'
  | 'decline'
  /** Executed, and the answer is lost. */
  | 'lose_answer'
  /** Lost on its way: nothing is executed. */
  | 'lose_request'
  | 'refuse_connection'
  | 'throttle'
  | 'unauthorized'
  | 'settling'
  | 'requires_action'
  /** Executed for one minor unit less. */
  | 'short_amount'
  | Held;

/** A send that is not answered before the test lets it. */
export interface Held {
  then: Answer;
  arrive: () => void;
  arrived: Promise<void>;
  release: () => void;
  released: Promise<void>;
}

export function held(then: Answer): Held {
  let arrive = (): void => undefined;
  let release = (): void => undefined;
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { then, arrive, arrived, release, released };
}

export interface KeyedBank {
  gateway: Gateway;
  /** What the next sends are answered with, and all those after them. */
  answers: Answer[];
  otherwise: Answer;
  lookup: Lookup;
  cancellation: Cancellation;
  /** Whether the configuration has it still. */
  isConfigured: boolean;
  /** From now on a key that was used before executes again, as at a provider that keeps keys for less than it says. */
  forgetKeys(): void;
  /** Runs while a lookup is under way. */
  duringLookup: () => Promise<void>;
  /** What arrived, in order. */
  prepared: OperationFacts[];
  sends: GatewayRequest[];
  lookups: GatewayRequest[];
  cancels: GatewayRequest[];
  /** One per key that was executed. */
  executed: { key: string; chargeId: string; amountMinor: bigint }[];
  sendsOf(chargeId: string): number;
  executionsOf(chargeId: string): number;
  /** The keys under which the charge was sent. */
  keysOf(chargeId: string): Set<string>;
}

export function keyedBank(capabilities: Partial<Capabilities> = {}): KeyedBank {
  const approvals = new Map<string, Outcome>();
  const bank: KeyedBank = {
    answers: [],
    otherwise: 'approve',
    lookup: { kind: 'absent' },
    cancellation: { kind: 'unsupported' },
    isConfigured: true,
    forgetKeys: () => approvals.clear(),
    duringLookup: async () => undefined,
    prepared: [],
    sends: [],
    lookups: [],
    cancels: [],
    executed: [],
    sendsOf: (chargeId) => bank.sends.filter((sent) => sent.chargeId === chargeId).length,
    keysOf: (chargeId) =>
      new Set(bank.sends.filter((sent) => sent.chargeId === chargeId).map(({ idempotencyKey }) => idempotencyKey)),
    executionsOf: (chargeId) => bank.executed.filter((execution) => execution.chargeId === chargeId).length,
    gateway: {
      name: 'keyed',
      capabilities: {
        paymentObject: 'attempt',
        partialCapture: true,
        keyRetentionMs: 24 * 3_600_000,
        lookupLagMs: 0,
        absenceProof: 'none',
        currencies: null,
        minimumMinor: 1n,
        maxConcurrency: 100,
        maxPerSecond: null,
        ...capabilities,
      },
      prepare: (facts) => {
        bank.prepared.push(facts);
        const { chargeId, objectGeneration, operation, token, amountMinor } = facts;
        return {
          body: JSON.stringify({ operation, token, amount: amountMinor.toString() }),
          apiVersion: '1',
          objectId: facts.actsOn?.objectId ?? facts.objectId ?? `object_${objectGeneration}_${chargeId}`,
        };
      },
      send: async (request) => {
        bank.sends.push(request);
        return answer(request, bank.answers.shift() ?? bank.otherwise);
      },
      lookup: async (request) => {
        bank.lookups.push(request);
        await bank.duringLookup();
        return bank.lookup;
      },
      cancel: async (request) => {
        bank.cancels.push(request);
        return bank.cancellation;
      },
      listRecent: async function* () {
        // Nothing that these tests ask for.
      },
      test: async () => 'here',
      close: async () => undefined,
    },
  };
  return bank;

  function execute({ idempotencyKey, chargeId }: GatewayRequest, amountMinor: bigint): Outcome {
    const before = approvals.get(idempotencyKey);
    if (before !== undefined) return before;
    const outcome: Outcome = {
      kind: 'approved',
      reference: `ref_${bank.executed.length}`,
      amountMinor,
      providerCode: null,
    };
    approvals.set(idempotencyKey, outcome);
    bank.executed.push({ key: idempotencyKey, chargeId, amountMinor });
    return outcome;
  }

  async function answer(request: GatewayRequest, kind: Answer): Promise<Outcome> {
    const silent = { providerCode: null, providerMessage: null };
    if (typeof kind === 'object') {
      kind.arrive();
      await kind.released;
      return answer(request, kind.then);
    }
    switch (kind) {
      case 'approve':
        return execute(request, request.amountMinor);
      case 'short_amount':
        return execute(request, request.amountMinor - 1n);
      case 'decline':
        return { kind: 'declined', decline: 'insufficient_funds', reference: null, ...silent };
      case 'lose_answer':
        execute(request, request.amountMinor);
        return { kind: 'unknown', reason: 'connection_reset', ...silent };
      case 'lose_request':
        return { kind: 'unknown', reason: 'timeout', ...silent };
      case 'refuse_connection':
        return rejected('transport', 'connection_refused');
      case 'throttle':
        return rejected('transport', 'http_429');
      case 'unauthorized':
        return rejected('ours', 'http_401');
      case 'settling':
        return { kind: 'settling', reference: 'ref_settling' };
      case 'requires_action':
        return { kind: 'requires_action', reference: 'ref_action', actionUrl: null };
    }
  }
}

function rejected(reason: 'transport' | 'ours', providerCode: string): Outcome {
  return { kind: 'rejected', reason, providerCode, providerMessage: null, retryAfterMs: null };
}
