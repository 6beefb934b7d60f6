// Why a charge is or isn't tried again, as JSON and for a person. The shape is documented and only ever added to.
import type { App } from '../../app.ts';
import type { Explanation } from '../../inspection/explain.ts';
import type { Rules } from '../../inspection/explain-charge.ts';
import type { Cell } from '../columns.ts';
import { type BookFlags, sameBook } from '../same-book.ts';
import { isoTime } from '../time-format.ts';

/** What the app's configuration says about retries. */
export function rulesOf(app: App): Rules {
  return {
    policy: (name) => app.policy(name),
    gateways: Object.keys(app.gatewayConfigs),
    nowMs: app.clock.nowMs(),
    timezone: app.timezone,
  };
}

export function explainView(explanation: Explanation, flags: BookFlags) {
  const { retryAtMs, softDelaysMs, maxAgeUntilMs, ...rest } = explanation;
  const { chargeId, willRetry, rule, reason, fixableBy, status, policy, attemptsUsed, attemptsLeft } = rest;
  return {
    schema: 'bursar.explain/1',
    chargeId,
    willRetry,
    retryAt: isoTime(retryAtMs),
    rule,
    reason,
    fixableBy,
    status,
    policy,
    attemptsUsed,
    attemptsLeft,
    softDelaysSeconds: softDelaysMs?.map((delayMs) => delayMs / 1000) ?? null,
    maxAgeUntil: isoTime(maxAgeUntilMs),
    heldBy: rest.heldBy,
    next: rest.next.map(({ what, command }) => ({ what, command: sameBook(command, flags) })),
  };
}

type ExplainView = ReturnType<typeof explainView>;
type ShowTime = (time: string | null) => string | null;

export function explainFields(view: ExplainView, time: ShowTime): [string, Cell][] {
  const { fixableBy, softDelaysSeconds, attemptsUsed, attemptsLeft, heldBy } = view;
  const left = attemptsLeft === 0 ? 'none left' : `${attemptsLeft} more at most`;
  const optional: [string, Cell][] = [
    ['When', view.willRetry ? time(view.retryAt) : null],
    ['Held back', heldBy],
    ['Who can end it', fixableBy === null ? null : `the ${fixableBy}`],
    ['Delays', attemptsLeft === 0 ? null : delaysText(softDelaysSeconds ?? [])],
    ['Not after', attemptsLeft === 0 ? null : time(view.maxAgeUntil)],
  ];
  return [
    ['Charge', view.chargeId],
    ['Status', view.status],
    ['Tried again', view.willRetry],
    ['Rule', view.rule],
    ['Why', view.reason],
    ...optional.filter(([, value]) => value !== null),
    ['Policy', `${view.policy}: ${attemptsUsed} soft ${attemptsUsed === 1 ? 'decline' : 'declines'} counted, ${left}`],
  ];
}

/** `after 1 day, 3 days, 12 hours`. */
function delaysText(seconds: readonly number[]): string | null {
  return seconds.length === 0 ? null : `after ${seconds.map(delayText).join(', ')}`;
}

const UNITS = [
  [86_400, 'day'],
  [3_600, 'hour'],
  [60, 'minute'],
  [1, 'second'],
] as const;

function delayText(seconds: number): string {
  const [size, unit] = UNITS.find(([size]) => seconds % size === 0) ?? UNITS[3];
  const count = seconds / size;
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

/** One line a step: what it does and the command. */
export function stepLines(next: Explanation['next']): string[] {
  return next.map(({ what, command }) => `${what}: ${command}`);
}
