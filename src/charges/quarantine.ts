// Whether a book may send at all: an older copy that was put in its place, or one of two copies in use, must not, until
// it knows what was sent without it. Pure rules.
import { BursarError } from '../errors.ts';
import type { GuardRow } from './guard-store.ts';

/** Why nothing may be sent from this book, or `null`. `mark`: the highest number that this state directory has seen. */
export function quarantineReason({ quarantine, openSequence }: GuardRow, mark: number): string | null {
  if (quarantine !== null) return quarantine.reason;
  return mark > openSequence ? olderThanMark(openSequence, mark) : null;
}

/** Whether a quarantine has to begin, or to begin anew since more was sent from another copy of the book. */
export function isNewQuarantine({ quarantine, openSequence }: GuardRow, mark: number): boolean {
  return quarantine === null ? mark > openSequence : mark > Math.max(quarantine.mark, openSequence);
}

export function olderThanMark(openSequence: number, mark: number): string {
  return `it is older than what was sent from it (it knows of sending ${openSequence}, ${mark} left this machine): an older copy was put in its place, or another copy is in use`;
}

export const ANOTHER_COPY = 'another copy of it is in use: both have sent under the same number';

export function quarantined(reason: string): BursarError {
  return new BursarError('quarantined', `The book is in quarantine: ${reason}. Nothing was sent.`, {
    hint: 'Have it adopt what the gateways know of it, which ends the quarantine: bursar reconcile run (look first with --dry-run)',
  });
}
