// A charge's whole story as JSON and as lines for a person. The shape is documented and only ever added to.
import type { StoryStep } from '../../inspection/why/step.ts';
import type { Why } from '../../inspection/why/why.ts';
import { formatMoney } from '../../money/money.ts';
import type { Column } from '../columns.ts';
import { type BookFlags, sameBook } from '../same-book.ts';
import { oneLine } from '../text.ts';
import { isoTime } from '../time-format.ts';
import { localTimes } from './local-times.ts';

/** `diagram`: Mermaid text where it was asked for. */
export function whyView({ charge, steps, next }: Why, diagram: string | null, flags: BookFlags) {
  const { atMs, actions, ...rest } = next;
  return {
    schema: 'bursar.why/1',
    charge: charge.id,
    status: charge.status,
    amountMinor: charge.amountMinor.toString(),
    currency: charge.currency,
    steps: steps.map(stepView),
    next: {
      at: isoTime(atMs),
      ...rest,
      actions: actions.map(({ what, command }) => ({ what, command: sameBook(command, flags) })),
    },
    diagram,
  };
}

function stepView({ atMs, actor, command, kind, what, rule, reason, ...rest }: StoryStep) {
  const { attemptId, entryId, eventId, auditId, seal, ...more } = rest;
  return {
    at: isoTime(atMs),
    actor,
    command,
    kind,
    what,
    rule,
    reason,
    attemptId,
    entryId,
    eventId,
    auditId,
    seal,
    ...more,
  };
}

export type WhyView = ReturnType<typeof whyView>;
type StepView = WhyView['steps'][number];
type ShowTime = (time: string | null) => string | null;

const INDENT = ' '.repeat(4);

/** The story, a step after the other, then where the charge stands. */
export function whyLines(view: WhyView, time: ShowTime): string[] {
  const { steps, next } = view;
  const when = next.at === null ? '' : ` Next: ${time(next.at)}.`;
  return [
    `Charge ${view.charge} of ${formatMoney(BigInt(view.amountMinor), view.currency)}`,
    '',
    ...steps.flatMap((step) => stepLines(step, time)),
    '',
    `Now ${next.status} (${next.rule}): ${oneLine(next.reason)}${when}`,
    ...next.actions.map(({ what, command }) => `${what}: ${command}`),
  ];
}

function stepLines(step: StepView, time: ShowTime): string[] {
  const { actor, command, status, rule, reason, retryAt, operatorReason, runId, seal } = step;
  const lines = [`${time(step.at)}  ${localTimes(oneLine(step.what), time)}`];
  const more = (line: string): void => void lines.push(`${INDENT}${oneLine(line)}`);
  // What was written in the same commit has no author, and no seal, of its own.
  if (step.auditId !== null) {
    const about = [
      `by ${actor}, ${command}`,
      runId === null ? null : `in ${runId}`,
      status === null ? null : `${status.from} → ${status.to}`,
      seal === null ? 'not sealed yet' : `seal ${seal.sequence}`,
    ];
    more(about.filter((part) => part !== null).join('; '));
  }
  if (operatorReason !== null) more(`their reason: ${operatorReason}`);
  if (rule !== null)
    more(
      `rule ${rule}: ${reason ?? 'not known to this version'}${retryAt === null ? '' : ` Next try ${time(retryAt)}.`}`,
    );
  return lines;
}

export interface SealLine {
  sequence: number;
  hash: string;
  rows: number;
}

/** The seals that cover the story's audit rows. */
export function sealsOf({ steps }: WhyView): SealLine[] {
  const seals = new Map<number, SealLine>();
  for (const { seal } of steps) {
    if (seal === null) continue;
    seals.set(seal.sequence, { ...seal, rows: (seals.get(seal.sequence)?.rows ?? 0) + 1 });
  }
  return [...seals.values()].sort((a, b) => a.sequence - b.sequence);
}

export const sealColumns: readonly Column<SealLine>[] = [
  { key: 'sequence', header: 'SEAL', align: 'right' },
  { key: 'rows', header: 'ROWS HERE', align: 'right' },
  { key: 'hash', shorten: 'never' },
];
