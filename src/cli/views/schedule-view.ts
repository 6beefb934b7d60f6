// Schedules and their periods as commands print them: JSON shape, table and fields. The shape is documented and only ever
// added to.
import { Temporal } from 'temporal-polyfill';
import { formatMoney } from '../../money/money.ts';
import { formatEvery } from '../../schedules/calendar-input.ts';
import type { Occurrence } from '../../schedules/recurrence.ts';
import type { Schedule, ScheduleStatus } from '../../schedules/schedule.ts';
import type { SkippedPeriod } from '../../schedules/schedules-store.ts';
import { type Cell, type Column, idColumn, numberColumn } from '../columns.ts';
import { isoTime } from '../time-format.ts';

export const SCHEDULE_SCHEMA = 'bursar.schedule/1';

export interface ScheduleView {
  id: string;
  customerId: string;
  methodId: string;
  amountMinor: string;
  currency: string;
  /** `1 month`; it, `on`, `time` and `start` are null for one delayed charge, and `at` for everything else. */
  every: string | null;
  on: string | null;
  /** `HH:MM` in `timezone`. */
  time: string | null;
  /** `YYYY-MM-DD`. */
  start: string | null;
  /** `YYYY-MM-DDTHH:MM` in `timezone`. */
  at: string | null;
  timezone: string;
  policy: string;
  status: ScheduleStatus;
  nextPeriod: string | null;
  nextDueAt: string | null;
  /** `YYYY-MM-DD`: what begins by then was paid elsewhere and is never billed. */
  paidThrough: string | null;
}

export type ScheduleDocument = { schema: typeof SCHEDULE_SCHEMA } & ScheduleView;

export type CreatedSchedule = ScheduleDocument & { replayed: boolean; dryRun: boolean };
export type ShownSchedule = ScheduleDocument &
  Pick<Schedule, 'description' | 'metadata'> & { createdAt: string; skipped: SkippedView[] };

export function toScheduleView(schedule: Schedule): ScheduleView {
  const { id, customerId, methodId, amountMinor, currency, recurrence, policy, status } = schedule;
  const { every, on, time, start, at, timezone } = recurrence;
  // What a cancelled schedule would have come to next is nobody's business any more.
  const next = status === 'active' || status === 'paused' ? schedule.next : null;
  return {
    id,
    customerId,
    methodId,
    amountMinor: amountMinor.toString(),
    currency,
    ...(every === null
      ? { every: null, on: null, time: null, start: null }
      : { every: formatEvery(every), on, time, start }),
    at,
    timezone,
    policy,
    status,
    nextPeriod: next?.period ?? null,
    nextDueAt: isoTime(next?.dueAtMs ?? null),
    paidThrough: schedule.paidThrough,
  };
}

export function toScheduleDocument(schedule: Schedule): ScheduleDocument {
  return { schema: SCHEDULE_SCHEMA, ...toScheduleView(schedule) };
}

/** `every 1 month on 31`, `every 3 days`, `once at 2027-02-01 09:00`. */
export function recurrenceText({ every, on, at }: ScheduleView): string {
  if (at !== null) return `once at ${at.replace('T', ' ')}`;
  return `every ${every}${on === null ? '' : ` on ${on}`}`;
}

type ShowTime = (time: string | null) => string | null;

export function scheduleColumns(time: ShowTime): Column<ScheduleView>[] {
  const onlyInCsv = (key: keyof ScheduleView): Column<ScheduleView> => ({ key, inTable: false });
  return [
    idColumn('id'),
    idColumn('customerId', 'CUSTOMER'),
    onlyInCsv('methodId'),
    { ...amountColumn, header: 'AMOUNT' },
    onlyInCsv('currency'),
    { key: 'every', header: 'REPEATS', cell: recurrenceText },
    ...(['on', 'time', 'start', 'at', 'timezone', 'policy'] as const).map(onlyInCsv),
    { key: 'status' },
    { key: 'nextPeriod', shorten: 'never' },
    { key: 'nextDueAt', header: 'NEXT DUE', cell: ({ nextDueAt }) => time(nextDueAt), shorten: 'never' },
    onlyInCsv('paidThrough'),
  ];
}

const amountColumn: Column<{ amountMinor: string; currency: string }> = numberColumn(
  'amountMinor',
  ({ amountMinor, currency }) => formatMoney(BigInt(amountMinor), currency),
);

/** A schedule for a person: what is absent and says nothing is left out. */
export function scheduleFields(
  view: ScheduleView,
  written: Pick<Schedule, 'description' | 'metadata'>,
  time: ShowTime,
) {
  const metadata = Object.entries(written.metadata).map(([key, value]) => `${key}=${value}`);
  const optional: [string, Cell][] = [
    ['From', view.start],
    ['Time', view.time],
    ['Time zone', view.timezone],
    ['Next period', view.nextPeriod],
    ['Next due', time(view.nextDueAt)],
    ['Paid through', view.paidThrough],
    ['Description', written.description],
    ['Metadata', metadata.length === 0 ? null : metadata.join(', ')],
  ];
  const fields: [string, Cell][] = [
    ['Schedule', view.id],
    ['Amount', formatMoney(BigInt(view.amountMinor), view.currency)],
    ['Repeats', recurrenceText(view)],
    ['Status', view.status],
    ...optional.filter(([, value]) => value !== null),
    ['Customer', view.customerId],
    ['Payment method', view.methodId],
    ['Policy', view.policy],
  ];
  return fields;
}

export interface PeriodView {
  period: string;
  dueAt: string;
  amountMinor: string;
  currency: string;
}

export function toPeriodViews({ amountMinor, currency }: Schedule, periods: readonly Occurrence[]): PeriodView[] {
  return periods.map(({ period, dueAtMs }) => ({
    period,
    dueAt: isoTime(dueAtMs),
    amountMinor: amountMinor.toString(),
    currency,
  }));
}

/** Due times on the schedule's own wall clock and in UTC. */
export function periodColumns(timezone: string): Column<PeriodView>[] {
  return [
    { key: 'period', shorten: 'never' },
    {
      key: 'dueAtLocal',
      header: `DUE (${timezone})`,
      cell: ({ dueAt }) => wallClock(dueAt, timezone),
      shorten: 'never',
      inTable: timezone !== 'UTC',
    },
    {
      key: 'dueAt',
      header: 'DUE (UTC)',
      cell: ({ dueAt }) => `${dueAt.slice(0, 16).replace('T', ' ')}Z`,
      shorten: 'never',
    },
    { ...amountColumn, header: 'AMOUNT' },
    { key: 'currency', inTable: false },
  ];
}

/** `2027-02-28 09:00 -05:00`. */
function wallClock(time: string, timezone: string): string {
  const local = Temporal.Instant.from(time).toZonedDateTimeISO(timezone);
  return `${local.toPlainDate()} ${local.toPlainTime().toString({ smallestUnit: 'minute' })} ${local.offset}`;
}

/** `12 periods, 240.00 USD in all`. */
export function totalText({ amountMinor, currency }: Schedule, count: number): string {
  return `${countText(count)}, ${formatMoney(amountMinor * BigInt(count), currency)} in all`;
}

export function countText(periods: number): string {
  return `${periods} ${periods === 1 ? 'period' : 'periods'}`;
}

export interface SkippedView {
  period: string;
  dueAt: string;
  reason: string;
  runId: string | null;
}

export function toSkippedView({ period, dueAt, reason, runId }: SkippedPeriod): SkippedView {
  return { period, dueAt: isoTime(dueAt), reason, runId };
}

export function skippedColumns(time: ShowTime): Column<SkippedView>[] {
  return [
    { key: 'period', header: 'SKIPPED', shorten: 'never' },
    { key: 'dueAt', header: 'WAS DUE', cell: ({ dueAt }) => time(dueAt), shorten: 'never' },
    { key: 'reason' },
    idColumn('runId', 'RUN'),
  ];
}
