// Opens a book and has it examined. One that can't be opened is an answer too: the report with that one finding.
import { type App, gatewaysOf } from '../app.ts';
import { loadConfig, resolveBookUrl } from '../config/load.ts';
import { BursarError, type ExitCode } from '../errors.ts';
import { type DoctorReport, examineBook, reportOf } from '../inspection/doctor.ts';
import { faultFinding, isAnswer } from '../inspection/unopened.ts';
import { maskPans } from '../money/pan.ts';
import { clipped } from '../written-text.ts';
import { sameBook } from './same-book.ts';

export interface Examined {
  report: DoctorReport;
  exitCode: ExitCode;
  /** What was looked at, for a person. */
  book: string;
}

export interface ExamineFlags {
  fast: boolean;
  book?: string | undefined;
  config?: string | undefined;
}

export async function examineNamed(open: () => Promise<App>, flags: ExamineFlags): Promise<Examined> {
  try {
    const { book, clock, config, guard } = await open();
    // Before the snapshot: whoever raises the mark has committed before.
    const mark = guard.mark.highest();
    mark.catch(() => undefined);
    const surroundings = {
      where: book.where,
      loaded: config,
      gateways: gatewaysOf(config),
      env: process.env,
      cwd: process.cwd(),
    };
    const examined = await examineBook(book, { nowMs: clock.nowMs(), mark, surroundings }, { isFast: flags.fast });
    return { ...onSameBook(examined, flags), book: `${book.where} (${book.mode})` };
  } catch (error) {
    if (!(error instanceof BursarError) || !isAnswer(error)) throw error;
    const where = await bookNamed(flags);
    const finding = { ...faultFinding(error, where), area: 'Book' };
    const area = { area: 'Book', worst: finding.severity, summary: "it can't be examined", checked: {} };
    const answer = reportOf({ areas: [area], findings: [finding], exitCodes: [error.exitCode], skipped: [] });
    return { ...onSameBook(answer, flags), book: where === null ? 'of no known place' : clipped(maskPans(where)) };
  }
}

/** What is to be run next has to mean the same book. */
function onSameBook(examined: { report: DoctorReport; exitCode: ExitCode }, flags: ExamineFlags): typeof examined {
  const { report, exitCode } = examined;
  const findings = report.findings.map((finding) => ({
    ...finding,
    command: finding.command === null ? null : clipped(maskPans(sameBook(finding.command, flags))),
  }));
  return { report: { ...report, findings }, exitCode };
}

/** The book that was meant, as far as the configuration can tell; a URL isn't repeated, it may hold a password. */
async function bookNamed({ book, config }: ExamineFlags): Promise<string | null> {
  const where = { cwd: process.cwd(), env: process.env };
  try {
    const named = resolveBookUrl(await loadConfig({ flag: config, ...where }), { flag: book, ...where });
    return /^[a-z][a-z0-9+.-]+:/i.test(named) ? null : named;
  } catch (error) {
    if (error instanceof BursarError) return null;
    throw error;
  }
}
