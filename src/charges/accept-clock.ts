// An operator's word that the clock of this machine is right now.
import { type Author, appendAudit } from '../audit/audit.ts';
import type { Clock } from '../clock.ts';
import type { Book } from '../storage/open.ts';
import { writeTrx } from '../storage/trx.ts';
import { acceptClock, readGuard } from './guard-store.ts';

export interface AcceptedClock {
  /** Epoch milliseconds: what the book takes for the time now, and what it took for the latest before. */
  now: number;
  was: number | null;
  /** Gateways whose clock was held against ours; the next answer of each is looked at anew. */
  cleared: { gateway: string; offsetMs: number }[];
}

export async function acceptClockNow(
  { book, clock, author }: { book: Book; clock: Clock; author: Author },
  reason: string,
): Promise<AcceptedClock> {
  return writeTrx(book, async (trx) => {
    const now = clock.nowMs();
    const { latestTime, clockFaults } = await readGuard(trx);
    const cleared = [...clockFaults].map(([gateway, offsetMs]) => ({ gateway, offsetMs }));
    const was = latestTime === 0 ? null : latestTime;
    await acceptClock(trx, now);
    await appendAudit(trx, author, now, [
      {
        subject: 'clock',
        action: 'clock.accept',
        before: { latestTime: was === null ? null : new Date(was).toISOString(), faults: cleared },
        after: { latestTime: new Date(now).toISOString() },
        result: 'accepted',
        reason,
      },
    ]);
    return { now, was, cleared };
  });
}
