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

/** How long ago an ISO time is, in its two largest units: `3d 4h`, `12m`, `<1m`. */
export function ageText(since: string, nowMs: number): string {
  const minutes = Math.floor(Math.max(0, nowMs - Date.parse(since)) / 60_000);
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24];
  if (days > 0) return `${days}d ${hours}h`;
  if (hours > 0) return `${hours}h ${minutes % 60}m`;
  return minutes > 0 ? `${minutes}m` : '<1m';
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
