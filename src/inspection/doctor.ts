// `doctor`: everything that someone should know about a book and do something about, worst first.
import type { Finding, Severity } from '../audit/finding.ts';
import { EXIT, type ExitCode } from '../errors.ts';
import type { Examine, Patient } from './diagnosis.ts';
import { clock } from './findings/clock.ts';
import { duplicates } from './findings/duplicates.ts';
import { exhausted } from './findings/exhausted.ts';
import { ledger } from './findings/ledger.ts';
import { paused } from './findings/paused.ts';
import { quarantine } from './findings/quarantine.ts';
import { unknowns } from './findings/unknowns.ts';

/** In the order in which findings of the same weight are told. */
const EXAMINATIONS: readonly Examine[] = [ledger, quarantine, clock, unknowns, duplicates, paused, exhausted];

/** Worst first. */
const WEIGHT: Record<Severity, number> = { error: 0, warning: 1, info: 2 };
const EXIT_ORDER: readonly ExitCode[] = [
  EXIT.integrity,
  EXIT.unavailable,
  EXIT.stopped,
  EXIT.locked,
  EXIT.pending,
  EXIT.declined,
  EXIT.done,
];

/** `bursar.doctor/1`. */
export interface DoctorReport {
  schema: 'bursar.doctor/1';
  /** Whether the exit status is 0. */
  ok: boolean;
  checked: Record<string, number>;
  findings: Finding[];
}

export async function examine(patient: Patient): Promise<{ report: DoctorReport; exitCode: ExitCode }> {
  const checked: Record<string, number> = {};
  const findings: Finding[] = [];
  const exitCodes = new Set<ExitCode>();
  for (const examination of EXAMINATIONS) {
    const diagnosis = await examination(patient);
    Object.assign(checked, diagnosis.checked);
    findings.push(...diagnosis.findings);
    exitCodes.add(diagnosis.exitCode);
  }
  findings.sort((a, b) => WEIGHT[a.severity] - WEIGHT[b.severity]);
  const exitCode = EXIT_ORDER.find((code) => exitCodes.has(code)) ?? EXIT.done;
  return { report: { schema: 'bursar.doctor/1', ok: exitCode === EXIT.done, checked, findings }, exitCode };
}
