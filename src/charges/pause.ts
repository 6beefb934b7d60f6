// The kill switch: while a pause stands, no process opens or sends anything to the gateway it names, or to any of them.
import { type Author, appendAudit } from '../audit/audit.ts';
import type { Clock } from '../clock.ts';
import { livingOwners } from '../storage/lease.ts';
import type { Book } from '../storage/open.ts';
import { writeTrx } from '../storage/trx.ts';
import { deletePause, EVERY_GATEWAY, insertPause, type Pause, pauseFor, pauses } from './pauses-store.ts';
import { CHECKS_HOLD_MS } from './send.ts';

export interface PauseContext {
  book: Book;
  clock: Clock;
  author: Author;
}

/** The pause that stands now, and whether this call made it: a scope that is paused stays as it is. */
export async function pause(
  { book, clock, author }: PauseContext,
  scope: string,
  reason: string,
): Promise<{ pause: Pause; isNew: boolean }> {
  return writeTrx(book, async (trx) => {
    const standing = (await pauses(trx)).find((each) => each.scope === scope);
    if (standing !== undefined) return { pause: standing, isNew: false };
    const nowMs = clock.nowMs();
    const made: Pause = { scope, reason, actor: author.actor, since: nowMs };
    await insertPause(trx, made);
    await appendAudit(trx, author, nowMs, [pauseEntry('pause', 'paused', scope, reason)]);
    return { pause: made, isNew: true };
  });
}

/**
 * Waits, where a process is at work on the book, until no send may rest any more on a check that was made before now: from
 * then on nothing leaves.
 */
export async function letChecksPass({ book, clock }: Pick<PauseContext, 'book' | 'clock'>): Promise<void> {
  if ((await livingOwners(book.reader, clock.nowMs())).length > 0) await clock.sleep(CHECKS_HOLD_MS);
}

export interface Resumed {
  /** The pause that was lifted; null where the scope was not paused. */
  lifted: Pause | null;
  /** Pauses that still stand. */
  left: Pause[];
  /** What still holds the scope back: the pause of every gateway. */
  heldBy: Pause | null;
}

/** Lifts the pause of this scope; a gateway is still held back where all of them are paused. */
export async function resume({ book, clock, author }: PauseContext, scope: string, reason: string): Promise<Resumed> {
  return writeTrx(book, async (trx) => {
    const before = await pauses(trx);
    const lifted = before.find((each) => each.scope === scope) ?? null;
    const left = before.filter((each) => each !== lifted);
    if (lifted !== null) {
      await deletePause(trx, scope);
      const entry = pauseEntry('resume', 'resumed', scope, reason);
      const was = { reason: lifted.reason, since: new Date(lifted.since).toISOString() };
      await appendAudit(trx, author, clock.nowMs(), [{ ...entry, before: was }]);
    }
    return { lifted, left, heldBy: pauseFor(left, scope) ?? null };
  });
}

function pauseEntry(action: string, result: string, scope: string, reason: string) {
  return { subject: scope, action, result, reason, gateway: scope === EVERY_GATEWAY ? null : scope };
}
