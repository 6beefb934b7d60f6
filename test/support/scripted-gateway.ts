// A gateway whose next answers a test has laid down; without one it is the bank behind it that answers.
import type { Cancellation, Gateway, Lookup, Outcome } from '../../src/gateways/gateway.ts';

export interface Script {
  sends: Outcome[];
  lookups: Lookup[];
  cancels: Cancellation[];
  /** How often something was sent, by whoever answered. */
  sent: number;
  /** How often an object was asked to be closed. */
  cancelled: number;
  /** Runs right before anything is sent. */
  onSend: () => Promise<void>;
  wrap: (gateway: Gateway) => Gateway;
}

/** `capabilities` replace the bank's own. */
export function scripted(capabilities: Partial<Gateway['capabilities']> = {}): Script {
  const script: Script = {
    sends: [],
    lookups: [],
    cancels: [],
    sent: 0,
    cancelled: 0,
    onSend: async () => undefined,
    wrap: (gateway) => ({
      ...gateway,
      capabilities: { ...gateway.capabilities, ...capabilities },
      send: async (request, signal) => {
        script.sent += 1;
        await script.onSend();
        return script.sends.shift() ?? gateway.send(request, signal);
      },
      cancel: async (request, signal) => {
        script.cancelled += 1;
        return script.cancels.shift() ?? gateway.cancel(request, signal);
      },
      lookup: async (request, signal) => script.lookups.shift() ?? gateway.lookup(request, signal),
    }),
  };
  return script;
}

export const UNKNOWN: Outcome = { kind: 'unknown', reason: 'timeout', providerCode: null, providerMessage: null };

export const NOT_REACHED: Outcome = {
  kind: 'rejected',
  reason: 'transport',
  providerCode: 'ECONNREFUSED',
  providerMessage: null,
  retryAfterMs: null,
};

export const APPROVED: Outcome = { kind: 'approved', reference: 'ref', amountMinor: 1250n, providerCode: null };
/** Another payment, with a reference of its own. */
export const APPROVED_TOO: Outcome = { ...APPROVED, reference: 'ref-too' };

export const DECLINED: Outcome = {
  kind: 'declined',
  decline: 'do_not_honor',
  reference: null,
  providerCode: '05',
  providerMessage: null,
};
