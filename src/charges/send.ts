// Step two of the pipeline: one send, outside any trx. Right before the socket, ownership and epoch, the kill switch, the
// quarantine, the clock and the age of the key are checked once more; the checks of all sends of a moment are one query.

import { BursarError } from '../errors.ts';
import type { Gateway, Outcome } from '../gateways/gateway.ts';
import { inList, listBinding, selectBatch } from '../storage/batch.ts';
import { GroupCommit } from '../storage/group-commit.ts';
import { type Attempt, requestOf } from './attempt.ts';
import type { ChargesContext } from './context.ts';
import { pauseFor, pauses } from './pauses-store.ts';

/** `lost`: someone else has taken the attempt over and will settle it; this process has nothing to say any more. */
export type Sent = { kind: 'answered'; outcome: Outcome } | { kind: 'lost' };

/** Runs one send when its turn comes. `mayGo` is asked right before the request goes out: null, or what to wait for first. */
export type Turn = (send: (mayGo?: () => Promise<void> | null) => Promise<Sent>) => Promise<Sent>;

type Leave = 'go' | 'lost' | 'paused' | 'quarantined' | 'clock' | 'state_unwritable';
/** A request that is out is never given up by us. */
const NEVER = new AbortController().signal;
/** Where a turn took longer to come, the checks are made once more. */
export const CHECKS_HOLD_MS = 250;
/** Where a check itself takes as long, again and again, the machine is too slow for it to be newer. */
const MOST_CHECKS = 5;

export class Sender {
  readonly #context: ChargesContext;
  readonly #gate: GroupCommit<Attempt, Leave>;
  /** What holds every send to a gateway back, as the newest check of any found it. */
  #heldBack: (gateway: string) => Exclude<Leave, 'go' | 'lost'> | null = () => null;

  constructor(context: ChargesContext) {
    this.#context = context;
    this.#gate = new GroupCommit({ commit: (batch) => this.#check(batch), maxBatch: 1000, splitOn: () => false });
  }

  /**
   * Sends the stored request. `stopped` answers without a socket: proved not sent. The checks are made while it waits for
   * its turn, so that no socket waits for the book; a pause that another send's check has found meanwhile holds for it too.
   */
  async send(attempt: Attempt, stopped: () => boolean = () => false, turn: Turn = (send) => send()): Promise<Sent> {
    const { clock } = this.#context;
    const gateway = await this.#context.gateway(attempt.gateway);
    let checkedAtMs = clock.nowMs();
    const leave = await this.#gate.submit(attempt);
    if (leave !== 'go') return notLeaving(leave);
    return turn(async (mayGo = () => null) => {
      let checksLeft = MOST_CHECKS;
      for (;;) {
        const nowMs = clock.nowMs();
        if (Math.abs(nowMs - checkedAtMs) > CHECKS_HOLD_MS && checksLeft > 0) {
          const still = await this.#gate.submit(attempt);
          if (still !== 'go') return notLeaving(still);
          checkedAtMs = nowMs;
          checksLeft -= 1;
          continue;
        }
        const held = this.#heldBack(attempt.gateway);
        if (held !== null) return notLeaving(held);
        const wait = mayGo();
        if (wait === null) return this.#sendNow(attempt, gateway, stopped);
        await wait;
        checksLeft = MOST_CHECKS;
      }
    });
  }

  async #sendNow(attempt: Attempt, gateway: Gateway, stopped: () => boolean): Promise<Sent> {
    if (stopped()) return notSent('stopped');
    // By our own clock as well: a process that was suspended past its lease must not wake up and send.
    if (!this.#context.owner.isCurrent) return { kind: 'lost' };
    if (this.#context.clock.nowMs() - attempt.firstSentAt > resendWindowMs(gateway.capabilities.keyRetentionMs)) {
      return notSent('key_too_old');
    }
    const outcome = await gateway.send(requestOf(attempt), NEVER);
    await this.#noteClock(gateway);
    return { kind: 'answered', outcome: checkedAmount(attempt, outcome) };
  }

  async #check(attempts: readonly Attempt[]): Promise<Leave[]> {
    const { reader } = this.#context.book;
    const rows = await selectBatch<{ id: string; owner_id: string | null; epoch: number }>(
      reader,
      ['id', 'owner_id', 'epoch'],
      `attempts WHERE id IN ${inList}`,
      [listBinding(attempts.map(({ id }) => id))],
    );
    const standing = new Map(rows.map((row) => [row.id, row]));
    const current = await pauses(reader);
    const refusal = await this.#refusals();
    const heldBack = (gateway: string) => (pauseFor(current, gateway) === undefined ? refusal(gateway) : 'paused');
    this.#heldBack = heldBack;
    return attempts.map((attempt) => {
      const row = standing.get(attempt.id);
      if (row?.owner_id !== this.#context.owner.id || row.epoch !== attempt.epoch) return 'lost';
      return heldBack(attempt.gateway) ?? 'go';
    });
  }

  /** Why the guard lets nothing out, by gateway. */
  async #refusals(): Promise<(gateway: string) => Exclude<Leave, 'go' | 'lost' | 'paused'> | null> {
    try {
      const standing = await this.#context.guard.letOut();
      return (gateway) => {
        const refusal = standing.refusal(gateway);
        return refusal === null ? null : refusal.code === 'clock' ? 'clock' : 'quarantined';
      };
    } catch (error) {
      if (!(error instanceof BursarError && error.code === 'state_unwritable')) throw error;
      return () => 'state_unwritable';
    }
  }

  /** The answer in hand comes first: a book that is busy hears of the gateway's clock with the next one. */
  async #noteClock(gateway: Gateway): Promise<void> {
    try {
      await this.#context.guard.sawClock(gateway);
    } catch (error) {
      if (!(error instanceof BursarError)) throw error;
    }
  }
}

/** How long after its first send a key may still be used: half of what the provider keeps it for. */
export function resendWindowMs(keyRetentionMs: number | null): number {
  // A provider that publishes no retention is never sent to again late; an hour is well inside what all are known to keep.
  return (keyRetentionMs ?? 3_600_000) / 2;
}

const OWN_STOPS = ['paused', 'quarantined', 'clock', 'state_unwritable', 'stopped', 'key_too_old'] as const;

export type OwnStop = (typeof OWN_STOPS)[number];

/** Whether this decline code is ours: the attempt was stopped right before the socket. */
export function isOwnStop(code: string | null): boolean {
  return ownStopOf(code) !== null;
}

export function ownStopOf(code: string | null): OwnStop | null {
  return OWN_STOPS.find((stop) => stop === code) ?? null;
}

function notLeaving(leave: Exclude<Leave, 'go'>): Sent {
  return leave === 'lost' ? { kind: 'lost' } : notSent(leave);
}

function notSent(code: OwnStop): Sent {
  return {
    kind: 'answered',
    outcome: { kind: 'rejected', reason: 'ours', providerCode: code, providerMessage: null, retryAfterMs: null },
  };
}

/** An approval of another amount than was asked for is not an approval that can be booked. */
export function checkedAmount(attempt: Attempt, outcome: Outcome): Outcome {
  if (outcome.kind !== 'approved' || outcome.amountMinor === attempt.amountMinor) return outcome;
  return {
    kind: 'unknown',
    reason: 'amount_mismatch',
    providerCode: outcome.providerCode,
    providerMessage: `approved ${outcome.amountMinor} instead of ${attempt.amountMinor}`,
  };
}
