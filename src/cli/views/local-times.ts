// ISO times in a sentence as a person reads them.
export function localTimes(text: string, time: (iso: string) => string | null): string {
  return text.replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, (iso) => time(iso) ?? iso);
}
