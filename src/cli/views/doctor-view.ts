// The doctor's page for a person: an area a line, the worst first, with its findings below.
import type { Severity } from '../../audit/finding.ts';
import type { Area, DoctorReport } from '../../inspection/doctor.ts';
import { oneLine, withThousands } from '../text.ts';
import { findingLine } from './audit-view.ts';
import { localTimes } from './local-times.ts';

const MARK: Record<Severity, string> = { error: 'NOT OK', warning: 'LOOK', info: 'OK' };
const MARK_WIDTH = 8;

/** `book`: what was looked at. */
export function doctorLines(report: DoctorReport, book: string, time: (time: string) => string | null): string[] {
  const { areas, findings, ok, skipped } = report;
  const width = Math.max(0, ...areas.map(({ area }) => area.length), ...skipped.map((area) => area.length));
  const line = (mark: string, area: string, text: string): string =>
    `${mark.padEnd(MARK_WIDTH)}${area.padEnd(width)}  ${text}`.trimEnd();
  const lines = areas.flatMap((area) => [
    line(area.worst === null ? 'OK' : MARK[area.worst], area.area, summaryOf(area)),
    ...findings
      .filter((finding) => finding.area === area.area)
      .map((finding) => `${' '.repeat(MARK_WIDTH)}${findingLine(finding)}`),
  ]);
  const left = skipped.map((area) => line('-', area, 'not looked at (--fast)'));
  return [`Book ${book}`, ...[...lines, ...left].map((text) => localTimes(oneLineKept(text), time)), closing()];

  function closing(): string {
    if (findings.some(({ severity }) => severity === 'error')) return 'NOT OK';
    if (!ok) return 'Not all is in order.';
    return findings.length === 0 ? 'OK: nothing needs attention.' : 'OK: nothing is broken or unknown.';
  }
}

/** What was seen, or else the counts: `2 charges, 1 open attempt`. */
function summaryOf({ summary, checked }: Area): string {
  if (summary !== null) return summary;
  return Object.entries(checked)
    .map(([name, count]) => `${withThousands(count)} ${wordsOf(name, count)}`)
    .join(', ');
}

/** `auditRows` as `audit rows`, or `audit row` where there is one. */
function wordsOf(name: string, count: number): string {
  const plural = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return count === 1 ? plural.replace(/ies$/, 'y').replace(/s\b(?=$| in )/, '') : plural;
}

/** As one line, with the blanks that it begins with. */
function oneLineKept(text: string): string {
  return (/^ */.exec(text)?.[0] ?? '') + oneLine(text);
}
