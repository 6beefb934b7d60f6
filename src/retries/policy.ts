// When a failed charge is tried again, as a pure function: the class of what failed, how often, and since when, in; the
// next step and the rule that chose it, out. Budgets of the card networks hold on top of it and are not known here.
import type { Random } from '../clock.ts';
import type { PolicyConfig } from '../config/schema.ts';
import { assert, BursarError } from '../errors.ts';
import type { DeclineClass, DeclineCode } from '../gateways/declines.ts';
import { type FixableBy, ruleWords } from './rules.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export interface RetryPolicy {
  name: string;
  /** What to wait at least after the first soft decline, after the second, and so on; when they run out, no more retries. */
  softDelaysMs: readonly number[];
  /** Soft declines, this one included, after which there is no retry. */
  maxAttempts: number;
  /** No retry is planned later than this after the first attempt. */
  maxAgeMs: number;
  /** Hour of the customer's day that retries after a day or more wait for, up to 59 minutes past it. */
  hourOfDay: number;
  /** Full jitter: `random(0, min(cap, base * 2^n))`. Source: AWS Architecture Blog, "Exponential Backoff And Jitter". */
  transport: { baseMs: number; capMs: number; maxAttempts: number };
}

/** 200 waits of 150 s on average: about eight hours of a gateway that can't be reached. */
const TRANSPORT = { baseMs: 2_000, capMs: 300_000, maxAttempts: 200 } as const;

export const BUILT_IN_POLICIES = {
  none: { name: 'none', softDelaysMs: [], maxAttempts: 1, maxAgeMs: 0, hourOfDay: 9, transport: TRANSPORT },
  standard: {
    name: 'standard',
    softDelaysMs: [1 * DAY_MS, 3 * DAY_MS, 5 * DAY_MS, 7 * DAY_MS],
    maxAttempts: 5,
    maxAgeMs: 30 * DAY_MS,
    hourOfDay: 9,
    transport: TRANSPORT,
  },
} as const satisfies Record<string, RetryPolicy>;

export type Decision =
  | { kind: 'retry'; retryAtMs: number; rule: string; reason: string }
  | { kind: 'wait_for_method'; rule: string; reason: string; fixableBy: FixableBy }
  | { kind: 'exhausted'; rule: string; reason: string; fixableBy: FixableBy };

export interface DecisionInput {
  policy: RetryPolicy;
  declineClass: DeclineClass;
  /** Null where nothing was declined (`ours`, `transport`). */
  declineCode: DeclineCode | null;
  /** Soft declines of the charge, this one included. */
  softDeclines: number;
  /** Transport failures of the charge in a row, this one included. */
  transportFailures: number;
  firstAttemptAtMs: number;
  nowMs: number;
  /** What the provider asked for (Retry-After), or null. */
  retryAfterMs: number | null;
  /** IANA zone of the schedule, or the system's. */
  timezone: string;
  random: Random;
}

/** What comes after an attempt that collected nothing. `rule` is a stable word; `reason` is for people. */
export function decide(input: DecisionInput): Decision {
  const { policy, declineClass } = input;
  if (policy.name === 'none') return exhausted(input, 'none');
  switch (declineClass) {
    case 'hard':
      return exhausted(input, 'hard');
    case 'update_method':
    case 'authentication':
      return { kind: 'wait_for_method', rule: declineClass, ...ended(input, declineClass) };
    case 'ours':
      // Nothing is wrong with the charge: it is due as soon as the configuration is repaired, however old it is.
      return retry(input, 'ours', input.nowMs);
    case 'soft':
      return afterSoftDecline(input);
    case 'transport':
      return afterTransportFailure(input);
    default: {
      const unheard: never = declineClass;
      throw new Error(`assertion failed: unknown decline class ${String(unheard)}`);
    }
  }
}

/** The policy called `name`: configured, else built in. BursarError(`invalid_value`) lists what there is. */
export function findPolicy(name: string, configured: Readonly<Record<string, PolicyConfig>> = {}): RetryPolicy {
  const config = Object.hasOwn(configured, name) ? configured[name] : undefined;
  if (config !== undefined) return policyFromConfig(name, config);
  if (name === 'none' || name === 'standard') return BUILT_IN_POLICIES[name];
  const names = [...new Set([...Object.keys(BUILT_IN_POLICIES), ...Object.keys(configured)])].join(', ');
  throw new BursarError('invalid_value', `There is no retry policy "${name}".`, { hint: `Policies: ${names}.` });
}

/** A configured policy; what it leaves out is as in `standard`, and its attempts as many as its delays ask for. */
export function policyFromConfig(name: string, config: PolicyConfig): RetryPolicy {
  const { standard } = BUILT_IN_POLICIES;
  return {
    name,
    softDelaysMs: config.soft.map(parseDelay),
    maxAttempts: config.maxAttempts ?? config.soft.length + 1,
    maxAgeMs: config.maxAgeDays === undefined ? standard.maxAgeMs : config.maxAgeDays * DAY_MS,
    hourOfDay: config.hourOfDay ?? standard.hourOfDay,
    transport: {
      baseMs: config.transport?.baseMs ?? TRANSPORT.baseMs,
      capMs: config.transport?.capMs ?? TRANSPORT.capMs,
      maxAttempts: config.transport?.maxAttempts ?? TRANSPORT.maxAttempts,
    },
  };
}

/** `3 days`, `36 hours`, `10 minutes`, `1 week` in milliseconds; the schema of the config has let nothing else through. */
function parseDelay(text: string): number {
  const match = /^([1-9][0-9]{0,3}) (minute|hour|day|week)s?$/.exec(text);
  assert(match !== null, `not a delay: ${text}`);
  const unitMs = { minute: 60_000, hour: HOUR_MS, day: DAY_MS, week: 7 * DAY_MS }[match[2] as 'minute'];
  return Number(match[1]) * unitMs;
}

function afterSoftDecline(input: DecisionInput): Decision {
  const { policy, softDeclines, nowMs, timezone, random } = input;
  assert(softDeclines >= 1, 'a soft decline counts itself');
  const delayMs = policy.softDelaysMs[softDeclines - 1];
  if (softDeclines >= policy.maxAttempts || delayMs === undefined) return exhausted(input, 'max_attempts');
  // After a day or more, the customer's next morning, when accounts have just been filled; shorter delays as they are.
  const earliestMs = nowMs + delayMs;
  const retryAtMs =
    delayMs < DAY_MS
      ? earliestMs
      : rememberedMorning(earliestMs, policy.hourOfDay, Math.floor(random() * 60), timezone);
  return retryWithinAge(input, `${policy.name}/soft#${softDeclines}`, retryAtMs);
}

function afterTransportFailure(input: DecisionInput): Decision {
  const { policy, transportFailures, nowMs, retryAfterMs, random } = input;
  const { baseMs, capMs, maxAttempts } = policy.transport;
  assert(transportFailures >= 1, 'a transport failure counts itself');
  if (transportFailures >= maxAttempts) return exhausted(input, 'max_attempts');
  if (retryAfterMs !== null) {
    return retryWithinAge(input, `retry-after#${transportFailures}`, nowMs + retryAfterMs);
  }
  const boundMs = Math.min(capMs, baseMs * 2 ** (transportFailures - 1));
  return retryWithinAge(input, `transport-backoff#${transportFailures}`, nowMs + Math.floor(random() * boundMs));
}

function retryWithinAge(input: DecisionInput, rule: string, retryAtMs: number): Decision {
  const isTooOld = retryAtMs - input.firstAttemptAtMs > input.policy.maxAgeMs;
  return isTooOld ? exhausted(input, 'max_age') : retry(input, rule, retryAtMs);
}

function retry(input: DecisionInput, rule: string, retryAtMs: number): Decision {
  return { kind: 'retry', retryAtMs, rule, reason: wordsOf(input, rule).reason };
}

function exhausted(input: DecisionInput, rule: string): Decision {
  return { kind: 'exhausted', rule, ...ended(input, rule) };
}

function ended(input: DecisionInput, rule: string): { reason: string; fixableBy: FixableBy } {
  const { reason, fixableBy } = wordsOf(input, rule);
  assert(fixableBy !== null, `someone can end what ${rule} stopped`);
  return { reason, fixableBy };
}

function wordsOf({ policy, declineClass, declineCode, softDeclines, transportFailures }: DecisionInput, rule: string) {
  const said = declineCode ?? declineClass;
  const facts = { said, declineClass, policyName: policy.name, softDeclines, transportFailures };
  const words = ruleWords(rule, { ...facts, maxAgeMs: policy.maxAgeMs });
  assert(words !== null, `the rule ${rule} has words`);
  return words;
}

/** The last answer for each zone and time of day: it is the same for whatever lies between the question and it. */
const mornings = new Map<string, { askedMs: number; morningMs: number }>();
const MOST_MORNINGS = 10_000;

/** As `firstMorning`, which takes 0.3 ms: a run asks it for every charge that was declined. */
function rememberedMorning(earliestMs: number, hour: number, minute: number, timezone: string): number {
  const key = `${timezone} ${hour}:${minute}`;
  const known = mornings.get(key);
  if (known !== undefined && known.askedMs <= earliestMs && earliestMs <= known.morningMs) return known.morningMs;
  const morningMs = firstMorning(earliestMs, hour, minute, timezone);
  if (mornings.size >= MOST_MORNINGS) mornings.clear();
  mornings.set(key, { askedMs: earliestMs, morningMs });
  return morningMs;
}

/**
 * Epoch milliseconds of the first `hour:minute` in `timezone` that is not before `earliestMs`. A time that a DST change
 * skips moves on by the gap, one that it repeats is taken the first time, as Temporal's "compatible" does. By Intl and not
 * Temporal, because every charge loads this file: the polyfill takes 15 ms to load (Node 20.20), and then asks Intl too.
 */
function firstMorning(earliestMs: number, hour: number, minute: number, timezone: string): number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  /** The zone's wall clock at `ms`, as if it were UTC. */
  const wallMs = (ms: number): number => {
    const part = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
    const { year = Number.NaN, month = Number.NaN, day, hour: hours, minute: minutes, second } = part;
    return Date.UTC(year, month - 1, day, hours, minutes, second);
  };
  /** The instant at which the wall clock shows `targetMs`. */
  const instantMs = (targetMs: number): number => {
    const offsetBeforeMs = wallMs(targetMs - DAY_MS) - (targetMs - DAY_MS);
    const offsetAfterMs = wallMs(targetMs + DAY_MS) - (targetMs + DAY_MS);
    const candidates = [targetMs - offsetBeforeMs, targetMs - offsetAfterMs];
    return candidates.find((ms) => wallMs(ms) === targetMs) ?? targetMs - offsetBeforeMs;
  };
  const day = new Date(wallMs(earliestMs));
  const targetMs = Date.UTC(day.getUTCFullYear(), day.getUTCMonth(), day.getUTCDate(), hour, minute);
  const sameDayMs = instantMs(targetMs);
  return sameDayMs >= earliestMs ? sameDayMs : instantMs(targetMs + DAY_MS);
}
