// What fell due and nobody came: cron is not running, or its runs are held back. And periods that runs have passed over:
// what catching up leaves out is money that nobody collects unless someone decides to.
import { Findings, NAMED_PER_KIND } from '../../audit/finding.ts';
import { EXIT } from '../../errors.ts';
import type { Diagnosis, Patient } from '../diagnosis.ts';
import { money } from '../money-text.ts';
import { overdueAmounts, overdueCharges, overdueSchedules, skippedSince } from '../schedule-findings-store.ts';

const DAY_MS = 86_400_000;
/** A run a day is the least that anyone schedules. */
const OVERDUE_MS = DAY_MS;
const SKIPPED_DAYS = 7;

export async function missedPeriods({ db, nowMs }: Patient): Promise<Diagnosis> {
  const before = nowMs - OVERDUE_MS;
  const schedules = await overdueSchedules(db, before);
  const charges = await overdueCharges(db, before);
  const findings = new Findings();
  if (schedules.oldestAt !== null) {
    const are = schedules.count === 1 ? 'An active schedule is' : `${schedules.count} active schedules are`;
    const message = `${are} past due for more than a day, since ${iso(schedules.oldestAt)} at the longest: no billing run has come by. Is cron running? See what a run would charge.`;
    findings.add('periods_missed', schedules.oldestId, message, 'bursar billing run --dry-run', 'warning');
  }
  if (charges.oldestAt !== null) {
    const amounts = (await overdueAmounts(db, before)).map(({ currency, amountMinor }) => money(amountMinor, currency));
    const are = charges.count === 1 ? 'A charge was' : `${charges.count} charges were`;
    const message = `${are} to be tried more than a day ago, since ${iso(charges.oldestAt)} at the longest (${amounts.join(', ')}), and still ${charges.count === 1 ? 'waits' : 'wait'} for a run.`;
    findings.add('charges_overdue', charges.oldestId, message, 'bursar billing run --dry-run', 'warning');
  }
  for (const { scheduleId, count, newest, reason } of await skippedSince(
    db,
    nowMs - SKIPPED_DAYS * DAY_MS,
    NAMED_PER_KIND + 1,
  )) {
    const what = count === 1 ? `Period ${newest}` : `${count} periods up to ${newest}`;
    const message = `${what} of schedule ${scheduleId} ${count === 1 ? 'was' : 'were'} passed over by a run within ${SKIPPED_DAYS} days (${reason}): nobody collects ${count === 1 ? 'it' : 'them'}.`;
    findings.add('periods_skipped', scheduleId, message, `bursar schedules show ${scheduleId}`, 'warning');
  }
  const isMissed = schedules.count + charges.count > 0;
  return {
    checked: { overdueSchedules: schedules.count, overdueCharges: charges.count },
    findings: findings.list(),
    exitCode: isMissed ? EXIT.pending : EXIT.done,
  };
}

const iso = (timeMs: number): string => new Date(timeMs).toISOString();
