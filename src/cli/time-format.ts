// Times for a person: in the system's zone, or with --utc in UTC and marked so. JSON and CSV always carry ISO 8601 UTC.

/** Epoch milliseconds or an ISO time as `2026-03-01 14:05:09` (local) or `2026-03-01 14:05:09Z`; null stays null. */
export function formatTime(time: number | string | null | undefined, options: { utc: boolean }): string | null {
  if (time === null || time === undefined) return null;
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return String(time);
  if (options.utc) return `${date.toISOString().slice(0, 19).replace('T', ' ')}Z`;
  const day = [date.getFullYear(), twoDigits(date.getMonth() + 1), twoDigits(date.getDate())].join('-');
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':')}`;
}

/** Epoch milliseconds as the JSON contract has times: `2026-03-01T14:05:09.000Z`; null stays null. */
export function isoTime(timeMs: number): string;
export function isoTime(timeMs: number | null): string | null;
export function isoTime(timeMs: number | null): string | null {
  return timeMs === null ? null : new Date(timeMs).toISOString();
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
