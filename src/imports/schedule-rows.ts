// Rows of `schedules import`: each makes a schedule whose first period is the first that begins after `paid_through`.
import { BursarError } from '../errors.ts';
import { newId } from '../ids.ts';
import {
  formatEvery,
  parseEvery,
  parseLocalDate,
  parseLocalDateTime,
  parseOn,
  parseTimeOfDay,
  parseTimezone,
} from '../schedules/calendar-input.ts';
import { firstOccurrenceAfterPeriod, type Occurrence, type Recurrence } from '../schedules/recurrence.ts';
import type { Schedule } from '../schedules/schedule.ts';
import { createdEntry } from '../schedules/schedule-audit.ts';
import { scheduleHashesByKey, schedulesInsertion } from '../schedules/schedules-store.ts';
import type { Cells } from './cells.ts';
import { PAYER_COLUMNS } from './columns.ts';
import { remembering } from './remembering.ts';
import { type Common, type ImportKind, MONEY_COLUMNS, readCommon } from './row.ts';

interface ScheduleFacts extends Common {
  recurrence: Recurrence;
  paidThrough: string | null;
}

const DEFAULT_TIME = '09:00';

export const SCHEDULE_IMPORT: ImportKind<ScheduleFacts, Schedule> = {
  noun: 'schedules',
  columns: [
    { name: 'reference', isRequired: true, meaning: 'names the schedule, so that it is made once' },
    {
      name: 'paid_through',
      isRequired: true,
      meaning: 'date: no period that begins by then is ever billed; "none" where nothing was paid',
    },
    ...PAYER_COLUMNS,
    ...MONEY_COLUMNS,
    { name: 'every', meaning: 'interval, such as 1 month; or, for one delayed charge, at:' },
    { name: 'at', meaning: 'local date and time, such as 2027-02-01T09:00' },
    { name: 'start', meaning: 'date from which periods are counted; required with every' },
    { name: 'on', meaning: "day it falls on: 1-31, mon-sun or MM-DD; default: the start's" },
    { name: 'time', meaning: `local time of day; default: ${DEFAULT_TIME}` },
    { name: 'timezone', meaning: 'IANA name; default: the configured zone' },
    { name: 'policy', meaning: 'when a failed charge is tried again; default: standard' },
    { name: 'description', meaning: 'what it is for' },
  ],
  read: (cells, context) => {
    const timezone = cells.parsed('timezone', knownTimezone) ?? knownTimezone(context.charges.timezone);
    const { amountMinor, currency, policy, description, metadata } = readCommon(cells, context, 'standard');
    // Field by field: every property that follows a spread takes V8 several µs.
    return {
      amountMinor,
      currency,
      policy,
      description,
      metadata,
      recurrence: readRecurrence(cells, timezone),
      paidThrough: readPaidThrough(cells),
    };
  },
  make: (context, { facts, reference, requestHash }, { customerId, method }, nowMs) => {
    const next = nextPeriod(facts, context.oldestDueMs);
    // Field by field: a literal of this length that begins with a spread is many times as slow in V8.
    return {
      id: newId('schedule', nowMs),
      customerId,
      methodId: method.id,
      amountMinor: facts.amountMinor,
      currency: facts.currency,
      recurrence: facts.recurrence,
      policy: facts.policy,
      status: 'active',
      description: facts.description,
      metadata: facts.metadata,
      paidThrough: facts.paidThrough,
      idempotencyKey: reference,
      requestHash,
      next,
      version: 1,
      createdAt: nowMs,
      updatedAt: nowMs,
    };
  },
  dueAtMs: ({ next }) => next?.dueAtMs ?? null,
  earlier: scheduleHashesByKey,
  entry: createdEntry,
  insertions: (schedules) => [() => schedulesInsertion(schedules)],
};

function readRecurrence(cells: Cells, timezone: string): Recurrence {
  const at = cells.parsed('at', parseLocalDateTime);
  const every = cells.parsed('every', parseEvery);
  if ((at === null) === (every === null)) {
    throw new BursarError(
      at === null ? 'missing_value' : 'invalid_value',
      `It ${at === null ? 'does not say when it falls due' : 'says twice when it falls due'}: give every or at.`,
    );
  }
  const start = cells.parsed('start', knownDate);
  const time = cells.parsed('time', parseTimeOfDay);
  if (at !== null) {
    for (const name of ['start', 'on', 'time']) {
      if (cells.optional(name) !== null) throw new BursarError('invalid_value', `${name} does not go with at.`);
    }
    return { every: null, on: null, start: at.slice(0, 10), time: at.slice(11), at, timezone };
  }
  if (every === null || start === null) throw new BursarError('missing_value', 'start is empty; every counts from it.');
  const on = cells.parsed('on', (text) => parseOn(text, every.unit));
  return { every, on, start, time: time ?? DEFAULT_TIME, at: null, timezone };
}

function readPaidThrough(cells: Cells): string | null {
  if (cells.required('paid_through').toLowerCase() === 'none') return null;
  return cells.parsed('paid_through', knownDate);
}

/** The first period after what was paid; refuses a row that leaves nothing to bill. */
function nextPeriod({ recurrence, paidThrough }: ScheduleFacts, oldestDueMs: number): Occurrence {
  const next = firstPeriod(recurrence, paidThrough);
  const { at } = recurrence;
  if (next === null) {
    throw new BursarError(
      'invalid_time',
      `No period begins after ${paidThrough ?? recurrence.start}: nothing is left to bill.`,
    );
  }
  if (at !== null && next.dueAtMs < oldestDueMs) {
    throw new BursarError('invalid_time', `at: ${at} is older than the catch-up window, so it would never be charged.`);
  }
  return next;
}

const knownTimezone = remembering(parseTimezone, (text) => text);
const knownDate = remembering(parseLocalDate, (text) => text);

// Many rows of a file begin on the same day and were paid up to the same one; the calendar takes 0.1 ms for each.
const firstPeriod = remembering(firstOccurrenceAfterPeriod, ({ every, on, time, start, at, timezone }, paidThrough) =>
  [every === null ? '' : formatEvery(every), on, time, start, at, timezone, paidThrough].join('|'),
);
