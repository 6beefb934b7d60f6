// When our own clock can't be right: it stands before a time that the book has already recorded, or a gateway's clock is
// far from it. Leases, the age of keys and what is due all go by it. Pure rules; a forward jump that was corrected shows as
// a jump back, as it should: what was written meanwhile lies ahead.
import { BursarError } from '../errors.ts';
import type { GuardRow } from './guard-store.ts';

/** What clocks may differ by. */
export const CLOCK_TOLERANCE_MS = 5 * 60_000;

/** Why our clock can't be trusted to send to `gateway` (`null`: to any), or `null`. */
export function clockReason(
  { latestTime, clockFaults }: GuardRow,
  nowMs: number,
  gateway: string | null,
): string | null {
  if (nowMs < latestTime - CLOCK_TOLERANCE_MS) {
    return `it says ${iso(nowMs)}, but this book has sent at ${iso(latestTime)}`;
  }
  const offsetMs = gateway === null ? undefined : clockFaults.get(gateway);
  if (offsetMs === undefined) return null;
  return `${gateway} said that it is ${spanText(offsetMs)} ${offsetMs > 0 ? 'behind' : 'ahead'}`;
}

export function clockRefused(reason: string): BursarError {
  return new BursarError('clock', `The clock of this machine can't be right: ${reason}. Nothing was sent.`, {
    hint: 'Set the clock right, then: bursar doctor clock accept --reason "…"',
  });
}

/** 421,000 as `7 min`. */
export function spanText(ms: number): string {
  const minutes = Math.round(Math.abs(ms) / 60_000);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 72 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

const iso = (timeMs: number): string => new Date(timeMs).toISOString();
