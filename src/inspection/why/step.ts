// A step of a charge's story, and what the story is made of.
import type { Attempt } from '../../charges/attempt.ts';
import type { Charge } from '../../charges/charge.ts';
import type { JournalEntry } from '../../ledger/ledger.ts';
import type { PublishedEvent, StoryRow } from './story-store.ts';

export type StepKind =
  | 'scheduled'
  | 'created'
  | 'opened'
  | 'resent'
  | 'answered'
  | 'unanswered'
  | 'not_sent'
  | 'owner_gone'
  | 'looked_up'
  | 'closed'
  | 'resolved'
  | 'exhausted'
  | 'replayed'
  | 'cancelled'
  | 'cancel_if_unpaid'
  | 'closing'
  | 'method_changed'
  | 'method_blocked'
  | 'changed'
  | 'posted'
  | 'published';

export interface StoryStep {
  /** Epoch milliseconds. */
  atMs: number;
  actor: string | null;
  /** As typed: `charges create`. */
  command: string | null;
  kind: StepKind;
  /** One sentence; it may hold the provider's own words. */
  what: string;
  /** The rule that chose what came next, and what it says. */
  rule: string | null;
  reason: string | null;
  /** Why an operator did it, in their words. */
  operatorReason: string | null;
  status: { from: string; to: string } | null;
  retryAt: string | null;
  attemptId: string | null;
  /** Of the attempt. */
  gateway: string | null;
  runId: string | null;
  /** The idempotency key that was sent, whole. */
  key: string | null;
  entryId: string | null;
  eventId: string | null;
  auditId: string | null;
  /** Null for what is not in the audit log, and while no seal covers it. */
  seal: { sequence: number; hash: string } | null;
}

export interface StoryFacts {
  charge: Charge;
  attempts: readonly Attempt[];
  /** In the order of their commits. */
  rows: readonly StoryRow[];
  /** The row with which the charge's schedule began. */
  scheduleRow: StoryRow | null;
  entries: readonly JournalEntry[];
  /** By version. */
  events: readonly PublishedEvent[];
  /** The run that made the charge, where that is certain. */
  createdByRun: string | null;
  /** The age limit of the charge's policy; null where it is configured no more. */
  maxAgeMs: number | null;
}

export const NOTHING_MORE = {
  rule: null,
  reason: null,
  operatorReason: null,
  status: null,
  retryAt: null,
  attemptId: null,
  gateway: null,
  runId: null,
  key: null,
  entryId: null,
  eventId: null,
  auditId: null,
  seal: null,
} as const;
