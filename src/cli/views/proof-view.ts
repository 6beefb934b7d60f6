// What is known of an attempt whose outcome nobody knows: JSON shape, table columns and fields. Only ever added to.
import type { Attempt } from '../../charges/attempt.ts';
import { keyProtectsUntilMs, type Prospect, prospectOf, resendUntilMs } from '../../charges/proof.ts';
import type { ProofResult } from '../../charges/proof-result.ts';
import type { Capabilities, Operation } from '../../gateways/gateway.ts';
import type { Cell, Column } from '../columns.ts';
import { ageText, isoTime } from '../time-format.ts';

/** `proof` of a charge or attempt with an unknown outcome; null wherever nothing is unknown. Times are ISO 8601, UTC. */
export interface ProofView {
  attemptId: string;
  operation: Operation;
  /** When it was first sent. */
  unknownSince: string;
  /** Lookups, resends and closings so far; the last one's time, and what it came to in a word (docs/operations.md). */
  tries: number;
  lastTriedAt: string | null;
  lastResult: ProofResult | null;
  /** Not before this time does another try prove more, since the gateway's lookups lag; null for the next run. */
  nextTryAt: string | null;
  /** Until when a run may send the same request once more. */
  resendUntil: string | null;
  /** Until when the gateway promises to know the key of the request; null where it promises nothing. */
  keyProtectsUntil: string | null;
  /** Who finds out: the process that is sending it, the next run, or nobody but an operator. */
  fixableBy: 'sender' | 'run' | 'operator';
}

export function toProofView(
  attempt: Attempt,
  capabilities: Capabilities | null,
  nowMs: number,
  isSenderAlive: boolean,
): ProofView {
  const prospect = prospectOf(attempt, capabilities, nowMs, isSenderAlive);
  return {
    attemptId: attempt.id,
    operation: attempt.operation,
    unknownSince: isoTime(attempt.firstSentAt),
    tries: attempt.proofTries,
    lastTriedAt: isoTime(attempt.proofTriedAt),
    lastResult: attempt.proofResult,
    nextTryAt: isoTime('fromMs' in prospect ? prospect.fromMs : null),
    resendUntil: capabilities === null ? null : isoTime(resendUntilMs(attempt, capabilities)),
    keyProtectsUntil: capabilities === null ? null : isoTime(keyProtectsUntilMs(attempt, capabilities)),
    fixableBy: fixerOf(prospect),
  };
}

function fixerOf({ by }: Prospect): ProofView['fixableBy'] {
  return by === 'sender' || by === 'operator' ? by : 'run';
}

type ShowTime = (time: string | null) => string | null;
type Provable = { proof: ProofView | null };

/** For lists of what is unknown: how old it is, what was tried, and what comes next. */
export function proofColumns<T extends Provable>(time: ShowTime, nowMs: number): Column<T>[] {
  return [
    { key: 'operation', cell: ({ proof }) => proof?.operation },
    { key: 'age', cell: ({ proof }) => proof && ageText(proof.unknownSince, nowMs), shorten: 'never' },
    { key: 'tried', cell: ({ proof }) => proof && triedText(proof) },
    { key: 'nextTry', cell: ({ proof }) => proof && nextTryText(proof, time), shorten: 'never' },
    { key: 'keyProtectsUntil', cell: ({ proof }) => time(proof?.keyProtectsUntil ?? null), shorten: 'never' },
  ];
}

export function proofFields(proof: ProofView | null, time: ShowTime): [string, Cell][] {
  if (proof === null) return [];
  return [
    ['Unknown', `${proof.operation}, since ${time(proof.unknownSince)}`],
    ['Tried', triedText(proof)],
    ['Next try', nextTryText(proof, time)],
    ['Key protects until', time(proof.keyProtectsUntil)],
  ];
}

function triedText({ tries, lastResult }: ProofView): string {
  const result = lastResult === null ? '' : `, ${lastResult.replaceAll('_', ' ')}`;
  return `${tries}${result}`;
}

function nextTryText({ fixableBy, nextTryAt }: ProofView, time: ShowTime): string {
  if (fixableBy === 'sender') return 'under way';
  if (fixableBy === 'operator') return 'operator';
  return time(nextTryAt) ?? 'next run';
}
