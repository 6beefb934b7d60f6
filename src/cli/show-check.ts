// How the result of a check is shown: what was looked at, then each finding with the command to run next.
import type { Finding } from '../audit/finding.ts';
import { withThousands } from './text.ts';
import { findingLine } from './views/audit-view.ts';

export interface CheckResult {
  ok: boolean;
  checked: Record<string, number | string | null>;
  findings: readonly Finding[];
}

/** The lines for a person. `passed` is the closing line where nothing was found. */
export function checkLines({ ok, checked, findings }: CheckResult, passed: string): string[] {
  const counts = Object.entries(checked).flatMap(([name, value]) =>
    typeof value === 'number' ? [`${withThousands(value)} ${words(name, value)}`] : [],
  );
  const failed = findings.filter(({ severity }) => severity === 'error').length;
  return [
    `Checked ${counts.join(', ')}.`,
    ...findings.map(findingLine),
    ok ? passed : failed > 0 ? 'NOT OK' : 'Not all is settled.',
  ];
}

/** `auditRows` as `audit rows`, or `audit row` where there is one. */
function words(name: string, count: number): string {
  const plural = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return count === 1 ? plural.replace(/ies$/, 'y').replace(/s$/, '') : plural;
}
