// `doctor`: everything that someone should know about a book and do something about, worst first.
import type { Finding, Severity } from '../audit/finding.ts';
import { assert, BursarError, EXIT, type ExitCode } from '../errors.ts';
import { translateStorageError } from '../storage/engine-errors.ts';
import type { Book } from '../storage/open.ts';
import { readTrx } from '../storage/trx.ts';
import type { Diagnosis, Examine, Patient } from './diagnosis.ts';
import { blockedMethods } from './findings/blocked-methods.ts';
import { clock } from './findings/clock.ts';
import { configuration } from './findings/configuration.ts';
import { disk } from './findings/disk.ts';
import { duplicates } from './findings/duplicates.ts';
import { exhausted } from './findings/exhausted.ts';
import { lastRun } from './findings/last-run.ts';
import { leases } from './findings/leases.ts';
import { ledger } from './findings/ledger.ts';
import { missedPeriods } from './findings/missed-periods.ts';
import { paused } from './findings/paused.ts';
import { quarantine } from './findings/quarantine.ts';
import { schema } from './findings/schema.ts';
import { seals } from './findings/seals.ts';
import { unknowns } from './findings/unknowns.ts';
import { unmappedDeclines } from './findings/unmapped-declines.ts';
import { waitingForMethod } from './findings/waiting-for-method.ts';
import { faultFinding } from './unopened.ts';

/** In the order in which areas of the same weight are told. */
const EXAMINATIONS: readonly (readonly [area: string, examine: Examine])[] = [
  ['Ledger and audit log', ledger],
  ['Quarantine', quarantine],
  ['Clock', clock],
  ['Attempts', unknowns],
  ['Second payments', duplicates],
  ['Leases', leases],
  ['Pauses', paused],
  ['Runs', lastRun],
  ['Periods', missedPeriods],
  ['Exhausted charges', exhausted],
  ['Waiting charges', waitingForMethod],
  ['Payment methods', blockedMethods],
  ['Declines', unmappedDeclines],
  ['Seals', seals],
  ['Configuration', configuration],
  ['Disk', disk],
  ['Schema', schema],
];

/** Recomputes the whole book: what `--fast` leaves out. */
const SLOW: readonly Examine[] = [ledger];

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

/** One part of the page: what was looked at, and the worst that was found there. */
export interface Area {
  area: string;
  /** Null where nothing was found. */
  worst: Severity | null;
  summary: string | null;
  checked: Record<string, number>;
}

/** A finding, and the part of the page that it stands in. */
export type PlacedFinding = Finding & { area: string };

/** `bursar.doctor/1`. */
export interface DoctorReport {
  schema: 'bursar.doctor/1';
  /** Whether the exit status is 0. */
  ok: boolean;
  checked: Record<string, number>;
  findings: PlacedFinding[];
  areas: Area[];
  /** Areas that were not looked at. */
  skipped: string[];
}

export async function examine(
  patient: Patient,
  { isFast = false }: { isFast?: boolean } = {},
): Promise<{ report: DoctorReport; exitCode: ExitCode }> {
  const left = EXAMINATIONS.filter(([, examination]) => !(isFast && SLOW.includes(examination)));
  const areas: Area[] = [];
  const placed: PlacedFinding[] = [];
  const exitCodes: ExitCode[] = [];
  for (const [area, examination] of left) {
    const { checked, findings, exitCode, summary = null } = await withoutFault(examination, patient);
    areas.push({ area, worst: worstOf(findings), summary, checked });
    placed.push(...findings.map((finding) => ({ ...finding, area })));
    exitCodes.push(exitCode);
  }
  const skipped = EXAMINATIONS.flatMap(([area, examination]) => (isFast && SLOW.includes(examination) ? [area] : []));
  return reportOf({ areas, findings: placed, exitCodes, skipped });
}

/** Examines one snapshot of an open book. On a damaged one the snapshot's own end may fail: what was seen by then stands. */
export async function examineBook(
  book: Book,
  patient: Omit<Patient, 'db'>,
  options: { isFast?: boolean } = {},
): Promise<{ report: DoctorReport; exitCode: ExitCode }> {
  const seen: { report: DoctorReport; exitCode: ExitCode }[] = [];
  try {
    await readTrx(book, async (db) => void seen.push(await examine({ ...patient, db }, options)));
  } catch (error) {
    if (!(error instanceof BursarError && error.exitCode === EXIT.integrity) || seen[0] === undefined) throw error;
  }
  const [examined] = seen;
  assert(examined !== undefined, 'a snapshot that was examined has a report');
  return examined;
}

/** The report of what was examined: findings and areas worst first, the exit status by the worst. */
export function reportOf(examined: {
  areas: readonly Area[];
  findings: readonly PlacedFinding[];
  exitCodes: readonly ExitCode[];
  skipped: string[];
}): { report: DoctorReport; exitCode: ExitCode } {
  const exitCode = EXIT_ORDER.find((code) => examined.exitCodes.includes(code)) ?? EXIT.done;
  const report: DoctorReport = {
    schema: 'bursar.doctor/1',
    ok: exitCode === EXIT.done,
    checked: Object.assign({}, ...examined.areas.map(({ checked }) => checked)) as Record<string, number>,
    findings: [...examined.findings].sort((a, b) => WEIGHT[a.severity] - WEIGHT[b.severity]),
    areas: [...examined.areas].sort((a, b) => weightOf(a) - weightOf(b)),
    skipped: examined.skipped,
  };
  return { report, exitCode };
}

const weightOf = ({ worst }: Area): number => (worst === null ? 3 : WEIGHT[worst]);

export function worstOf(findings: readonly Finding[]): Severity | null {
  const [worst] = findings.map(({ severity }) => severity).sort((a, b) => WEIGHT[a] - WEIGHT[b]);
  return worst ?? null;
}

/** A book that breaks under one question can still be asked the others. */
async function withoutFault(examination: Examine, patient: Patient): Promise<Diagnosis> {
  try {
    return await examination(patient);
  } catch (error) {
    const fault = translateStorageError(error, patient.surroundings?.where ?? 'that is examined');
    if (!(fault instanceof BursarError)) throw error;
    return {
      checked: {},
      findings: [faultFinding(fault, patient.surroundings?.where ?? null)],
      exitCode: fault.exitCode,
    };
  }
}
