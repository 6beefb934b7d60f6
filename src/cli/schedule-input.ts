// From the flags of `schedules create` to what is scheduled: checked, looked up, and on a terminal asked for where missing.
import { Flags } from '@oclif/core';
import type { App } from '../app.ts';
import { parseCurrency } from '../money/currency.ts';
import { parseAmount } from '../money/money.ts';
import {
  parseEvery,
  parseLocalDate,
  parseLocalDateTime,
  parseOn,
  parseTimeOfDay,
  parseTimezone,
} from '../schedules/calendar-input.ts';
import type { CreateSchedule } from '../schedules/operations.ts';
import { scheduleByIdempotencyKey } from '../schedules/schedules-store.ts';
import { LONGEST_KEY } from '../written-text.ts';
import { customerId as findCustomer } from './ask-customer.ts';
import { askAmount, askCurrency, validator } from './ask-payment.ts';
import { chooseMethod } from './choose-method.ts';
import { flagValue } from './flag-value.ts';
import { parseMetadata } from './metadata.ts';
import { type Asker, askInput } from './prompts.ts';
import { optionalText } from './text-input.ts';

/** When a schedule falls due. */
export const recurrenceFlags = {
  every: Flags.string({ helpValue: '"1 month"', summary: 'Interval in days, weeks, months or years.' }),
  on: Flags.string({
    helpValue: '31',
    summary: "Day it falls on: 1-31, mon-sun, or MM-DD for years. Default: the start's.",
  }),
  start: Flags.string({ helpValue: 'DATE', summary: 'No period begins before this date. Default: today.' }),
  time: Flags.string({ helpValue: 'HH:MM', summary: 'Local time of day. Default: 09:00.' }),
  at: Flags.string({
    helpValue: 'DATE-TIME',
    exclusive: ['every', 'on', 'start', 'time'],
    summary: 'One charge at this local time.',
  }),
  timezone: Flags.string({
    helpValue: 'ZONE',
    summary: "IANA name. Default: the configured zone, else the system's.",
  }),
};

interface RecurrenceFlags {
  every?: string | undefined;
  on?: string | undefined;
  start?: string | undefined;
  time?: string | undefined;
  at?: string | undefined;
  timezone?: string | undefined;
}

export interface ScheduleFlags extends RecurrenceFlags {
  customer?: string | undefined;
  amount?: string | undefined;
  currency?: string | undefined;
  method?: string | undefined;
  policy: string;
  description?: string | undefined;
  metadata?: string[] | undefined;
  'idempotency-key'?: string | undefined;
}

const DEFAULT_TIME = '09:00';

/** What to schedule. BursarError for whatever is missing, malformed, or not there; nothing is written. */
export async function readScheduleFlags(app: App, asker: Asker, flags: ScheduleFlags): Promise<CreateSchedule> {
  const { policy, currency: code, amount } = flags;
  const timezone = flagValue('--timezone', () => parseTimezone(flags.timezone ?? app.timezone));
  const given = recurrenceOf(flags, timezone);
  flagValue('--policy', () => app.policy(policy));
  const description = optionalText('--description', flags.description);
  const metadata = parseMetadata(flags.metadata);
  const idempotencyKey = optionalText('--idempotency-key', flags['idempotency-key'], LONGEST_KEY);
  const known = code === undefined ? null : flagValue('--currency', () => parseCurrency(code));
  if (known !== null && amount !== undefined) amountOf(amount, known);

  const customerId = await findCustomer(app, asker, flags.customer, { money: true });
  const currency = known ?? (await askCurrency(asker));
  const amountMinor = amountOf(amount ?? (await askAmount(asker, currency)), currency);
  const recurrence = given ?? (await askRecurrence(asker, flags, timezone));
  const earlier = idempotencyKey === null ? null : await scheduleByIdempotencyKey(app.book.reader, idempotencyKey);
  const earlierMethodId = earlier?.methodId;
  const method = await chooseMethod(app, asker, { customerId, named: flags.method, earlierMethodId, noun: 'schedule' });
  const written = { policy, description, metadata, idempotencyKey };
  return { customerId, methodId: method.id, amountMinor, currency, recurrence, ...written };
}

function amountOf(text: string, currency: string): bigint {
  return flagValue('--amount', () => parseAmount(text, currency));
}

/** Null where neither --every nor --at is given. What is given beside them is checked all the same. */
function recurrenceOf(flags: RecurrenceFlags, timezone: string): CreateSchedule['recurrence'] | null {
  const { every: everyText, on: onText, start: startText, time: timeText, at: atText } = flags;
  const start = startText === undefined ? null : flagValue('--start', () => parseLocalDate(startText));
  const time = timeText === undefined ? DEFAULT_TIME : flagValue('--time', () => parseTimeOfDay(timeText));
  if (atText !== undefined) {
    const at = flagValue('--at', () => parseLocalDateTime(atText));
    return { every: null, on: null, start: at.slice(0, 10), time: at.slice(11), at, timezone };
  }
  if (everyText === undefined) return null;
  const every = flagValue('--every', () => parseEvery(everyText));
  const on = onText === undefined ? null : flagValue('--on', () => parseOn(onText, every.unit));
  return { every, on, start, time, at: null, timezone };
}

/** A date is a delayed charge, everything else an interval. */
async function askRecurrence(
  asker: Asker,
  flags: RecurrenceFlags,
  timezone: string,
): Promise<CreateSchedule['recurrence']> {
  const isDate = (text: string): boolean => /^\d{4}-/.test(text);
  const answer = await askInput(asker, {
    flag: '--every (or --at)',
    message: 'How often (1 month, 2 weeks), or when (2027-02-01T09:00) for one charge?',
    validate: validator((text) => (isDate(text) ? parseLocalDateTime(text) : parseEvery(text))),
  });
  const recurrence = recurrenceOf({ ...flags, ...(isDate(answer) ? { at: answer } : { every: answer }) }, timezone);
  return recurrence ?? askRecurrence(asker, flags, timezone);
}
