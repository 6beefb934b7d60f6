// The banks of the simulation, each with records of its own that tell what it executed. Two protect nobody beyond
// idempotency keys, which they forget after a while; the third is the simulated bank, with one payment object per charge.
import type { Clock, Random } from '../../src/clock.ts';
import type {
  Capabilities,
  Gateway,
  GatewayRecord,
  GatewayRequest,
  Lookup,
  Operation,
  Outcome,
} from '../../src/gateways/gateway.ts';
import { openBank } from '../../src/gateways/simulated/bank-desk.ts';
import { createSimulatedGateway } from '../../src/gateways/simulated/simulated-gateway.ts';
import { transportTo } from '../../src/gateways/simulated/transport.ts';
import { keyedBank } from '../support/keyed-bank.ts';
import { weighted } from './points.ts';
import type { Statistics } from './statistics.ts';

const HOUR_MS = 3_600_000;

/** An operation that moved, held or gave back money, as the bank tells it. */
export interface Executed {
  attemptId: string;
  chargeId: string;
  operation: Operation;
  amountMinor: bigint;
  key: string;
}

/** `waiting`: the bank itself doesn't know yet. */
export type Word = 'approved' | 'declined' | 'absent' | 'waiting';

export interface Bank {
  readonly name: string;
  readonly gateway: Gateway;
  /** Whether a lookup can find what was executed. */
  readonly canLookUp: boolean;
  /** A request has arrived. */
  perform(request: GatewayRequest, random: Random): Promise<Outcome>;
  executed(): Promise<Executed[]>;
  /** What the bank's own records say of an attempt, whatever its lookups show. */
  wordOn(request: GatewayRequest): Promise<Word>;
  /** Customers confirm, or give up, what waits for them. */
  confirm(random: Random): Promise<void>;
  /** What the bank itself doesn't know yet is decided, where a payment that waits would show in no listing. */
  conclude(): void;
  /** From now on whatever arrives is approved. */
  approveAll(): void;
  close(): Promise<void>;
}

interface Entry extends Executed {
  body: string;
  objectId: string | null;
  state: 'approved' | 'declined' | 'settling' | 'requires_action';
  decline: 'insufficient_funds' | 'expired_card' | 'lost_card';
  reference: string;
  atMs: number;
  willApprove: boolean;
}

const DECISIONS = {
  approve: 700,
  soft_decline: 170,
  update_decline: 12,
  hard_decline: 12,
  settle: 60,
  ask_customer: 50,
};
const SETTLING_MS = 30 * HOUR_MS;

export interface KeyedTerms {
  name: string;
  clock: Clock;
  statistics: Statistics;
  capabilities: Partial<Capabilities>;
  /** How long the bank really keeps a key. */
  keptMs: number;
  canLookUp: boolean;
}

/** A bank that would execute every key that it does not, or no longer, remember. */
export function forgetfulBank(terms: KeyedTerms): Bank {
  const { name, clock, statistics, keptMs, canLookUp } = terms;
  const { gateway } = keyedBank(terms.capabilities);
  const entries: Entry[] = [];
  const keys = new Map<string, Entry>();
  let approvesAll = false;

  const matured = (entry: Entry): Entry => {
    if (entry.state === 'settling' && clock.nowMs() >= entry.atMs + SETTLING_MS) {
      entry.state = entry.willApprove ? 'approved' : 'declined';
    }
    return entry;
  };
  // A restored book sends what it does not know of again, as another attempt with the same key and body.
  const entryOf = ({ idempotencyKey, body }: GatewayRequest): Entry | undefined =>
    entries.findLast((entry) => entry.key === idempotencyKey && entry.body === body);

  function perform(request: GatewayRequest, random: Random): Outcome {
    const { idempotencyKey, operation } = request;
    const known = keys.get(idempotencyKey);
    if (known !== undefined && clock.nowMs() - known.atMs <= keptMs) {
      if (known.body !== request.body) {
        statistics.count('bank: refused a key with another body');
        return { kind: 'unknown', reason: 'key_reuse', providerCode: 'key_reuse', providerMessage: null };
      }
      statistics.count('bank: replayed');
      return toOutcome(matured(known));
    }
    if (known !== undefined) statistics.count('bank: executed a forgotten key');
    const drawn = approvesAll ? 'approve' : weighted(DECISIONS, random);
    const isCollecting = operation === 'sale' || operation === 'authorize';
    // What follows a collection is approved or declined at once.
    const decision = isCollecting || drawn === 'approve' ? drawn : 'soft_decline';
    statistics.count(`bank: ${decision}`);
    const { attemptId, chargeId, amountMinor, body, objectId } = request;
    const entry: Entry = {
      ...{ attemptId, chargeId, operation, amountMinor, body, objectId, key: idempotencyKey },
      state:
        (
          { approve: 'approved', settle: 'settling', ask_customer: 'requires_action' } as Record<string, Entry['state']>
        )[decision] ?? 'declined',
      decline:
        decision === 'hard_decline'
          ? 'lost_card'
          : decision === 'update_decline'
            ? 'expired_card'
            : 'insufficient_funds',
      reference: `${name}_${entries.length}`,
      atMs: clock.nowMs(),
      willApprove: random() < 0.7,
    };
    entries.push(entry);
    keys.set(idempotencyKey, entry);
    return toOutcome(entry);
  }

  return {
    name,
    canLookUp,
    gateway: {
      ...gateway,
      name,
      lookup: async (request): Promise<Lookup> => {
        const entry = canLookUp ? entryOf(request) : undefined;
        if (entry === undefined) return { kind: 'absent' };
        if (clock.nowMs() - entry.atMs < gateway.capabilities.lookupLagMs) {
          statistics.count('bank: lookup lagged');
          return { kind: 'absent' };
        }
        return { kind: 'found', outcome: toOutcome(matured(entry)) };
      },
      // Tells everything in the end, even where lookups find nothing.
      listRecent: async function* (sinceMs): AsyncGenerator<GatewayRecord> {
        const untilMs = clock.nowMs() - gateway.capabilities.lookupLagMs;
        for (const { key, atMs, ...entry } of entries.map(matured)) {
          if (entry.state !== 'approved' || atMs < sinceMs || atMs > untilMs) continue;
          yield { ...entry, currency: 'USD', idempotencyKey: key, at: atMs };
        }
      },
    },
    perform: async (request, random) => perform(request, random),
    executed: async () => entries.map(matured).filter(({ state }) => state === 'approved'),
    wordOn: async (request) => {
      const entry = entryOf(request);
      if (entry === undefined) return 'absent';
      const { state } = matured(entry);
      return state === 'approved' || state === 'declined' ? state : 'waiting';
    },
    confirm: async (random) => {
      for (const entry of entries) {
        if (entry.state === 'requires_action') entry.state = random() < 0.7 ? 'approved' : 'declined';
      }
    },
    conclude: () => {
      for (const entry of entries) {
        if (entry.state === 'settling' || entry.state === 'requires_action') {
          entry.state = entry.willApprove ? 'approved' : 'declined';
        }
      }
    },
    approveAll: () => {
      approvesAll = true;
    },
    close: async () => undefined,
  };
}

function toOutcome(entry: Entry): Outcome {
  const { reference, amountMinor } = entry;
  switch (entry.state) {
    case 'approved':
      return { kind: 'approved', reference, amountMinor, providerCode: null };
    case 'declined':
      return { kind: 'declined', decline: entry.decline, reference, providerCode: null, providerMessage: null };
    case 'settling':
      return { kind: 'settling', reference };
    case 'requires_action':
      return { kind: 'requires_action', reference, actionUrl: null };
  }
}

/** The real simulated bank, in memory. Which payments it declines is in the payment method's token. */
export async function objectBank(name: string, clock: Clock, statistics: Statistics): Promise<Bank> {
  const config = { timeoutMs: 60_000, listLagMs: 60_000, settlingMs: SETTLING_MS };
  const desk = await openBank({ path: ':memory:', clock, config });
  const gateway = createSimulatedGateway({
    name,
    path: ':memory:',
    clock,
    config,
    transport: transportTo(desk, clock),
  });
  const { signal } = new AbortController();
  const waiting = new Set<string>();
  const executed = async (): Promise<Executed[]> => {
    const all: Executed[] = [];
    for await (const page of desk.listing()) all.push(...page);
    return all;
  };
  return {
    name,
    gateway,
    canLookUp: true,
    perform: async (request) => {
      const outcome = await gateway.send(request, signal);
      statistics.count(`bank: object ${outcome.kind}`);
      if (outcome.kind === 'requires_action' && request.objectId !== null) waiting.add(request.objectId);
      return outcome;
    },
    executed,
    wordOn: async (request) => {
      if ((await executed()).some(({ key }) => key === request.idempotencyKey)) return 'approved';
      const lookup = await gateway.lookup(request, signal);
      if (lookup.kind !== 'found') return 'absent';
      return lookup.outcome.kind === 'declined' ? 'declined' : 'waiting';
    },
    confirm: async (random) => {
      for (const paymentId of waiting) {
        if (random() < 0.7) await desk.submit({ kind: 'confirm', paymentId });
      }
      waiting.clear();
    },
    conclude: () => undefined,
    approveAll: () => undefined,
    close: () => desk.close(),
  };
}
