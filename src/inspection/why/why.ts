// `charges why`: reads everything that stands in the book about one charge, and tells it in order, with what comes next.
import { type Attempt, isOpen } from '../../charges/attempt.ts';
import { attemptsOfCharges } from '../../charges/attempts-store.ts';
import { type Charge, refundableMinor } from '../../charges/charge.ts';
import { siblingId } from '../../ids.ts';
import { entriesById } from '../../ledger/ledger-store.ts';
import { schedulesById } from '../../schedules/schedules-store.ts';
import type { Db } from '../../storage/db.ts';
import type { Step } from '../explain.ts';
import { explainCharge, policyOrNull, type Rules } from '../explain-charge.ts';
import { money } from '../money-text.ts';
import type { StoryStep } from './step.ts';
import { tellStory } from './story.ts';
import {
  auditRowsOfCharge,
  billingRunAt,
  eventsOfCharge,
  type Span,
  type StoryRow,
  scheduleCreation,
} from './story-store.ts';

export interface Next {
  status: Charge['status'];
  /** When it goes on by itself; null where it does not. Epoch milliseconds. */
  atMs: number | null;
  rule: string;
  reason: string;
  fixableBy: 'customer' | 'operator' | null;
  /** What an operator can do, each with its command. */
  actions: Step[];
}

export interface Why {
  charge: Charge;
  steps: StoryStep[];
  next: Next;
}

export async function why(db: Db, charge: Charge, rules: Rules): Promise<Why> {
  const attempts = (await attemptsOfCharges(db, [charge.id])).get(charge.id) ?? [];
  const entries = await entriesById(
    db,
    attempts.map(({ id }) => siblingId('entry', id)),
  );
  const rows = await rowsOf(db, charge, attempts);
  const creation = rows.find(({ action }) => action === 'charge.create');
  const schedule =
    charge.scheduleId === null ? undefined : (await schedulesById(db, [charge.scheduleId])).get(charge.scheduleId);
  const steps = tellStory({
    charge,
    attempts,
    rows,
    entries,
    events: await eventsOfCharge(db, charge.id),
    scheduleRow: schedule === undefined ? null : await scheduleCreation(db, schedule.id, schedule.createdAt),
    createdByRun: creation?.command === 'billing run' ? await billingRunAt(db, creation.at) : null,
    maxAgeMs: policyOrNull(rules, charge.policy)?.maxAgeMs ?? null,
  });
  return { charge, steps, next: await nextOf(db, charge, attempts, rules) };
}

/** Clocks differ between machines, and a batch's rows carry the time at which it began. */
const MARGIN_MS = 3_600_000;

/** The rows of the charge's own life; every row of the book is looked through where one of them is not among these. */
async function rowsOf(db: Db, charge: Charge, attempts: readonly Attempt[]): Promise<StoryRow[]> {
  const times = [
    charge.createdAt,
    charge.updatedAt,
    ...attempts.flatMap((a) => [a.openedAt, a.settledAt ?? a.openedAt]),
  ];
  const span: Span = { fromMs: Math.min(...times) - MARGIN_MS, toMs: Math.max(...times) + MARGIN_MS };
  const rows = await auditRowsOfCharge(db, charge.id, span);
  return isWhole(rows, attempts) ? rows : auditRowsOfCharge(db, charge.id, null);
}

function isWhole(rows: readonly StoryRow[], attempts: readonly Attempt[]): boolean {
  const has = (subject: string | null, action: string): boolean =>
    rows.some((row) => row.action === action && (subject === null || row.subject === subject));
  return (
    has(null, 'charge.create') &&
    attempts.every(
      (attempt) =>
        has(attempt.id, `${attempt.operation}.open`) &&
        (attempt.outcome === null || has(attempt.id, `${attempt.operation}.settle`)),
    )
  );
}

async function nextOf(db: Db, charge: Charge, attempts: readonly Attempt[], rules: Rules): Promise<Next> {
  const { status } = charge;
  const explained = await explainCharge(db, charge, rules);
  const { rule, reason, fixableBy } = explained;
  const open = attempts.find((attempt) => isOpen(attempt) && !['sale', 'authorize'].includes(attempt.operation));
  const found = { what: 'Find out what came of it', command: 'bursar billing run' };
  if (open !== undefined) {
    const what = `Attempt ${open.number} (${open.operation} of ${money(open.amountMinor, open.currency)}) has no outcome yet; it is proved before anything else is done.`;
    return { status, atMs: null, rule: 'proof_first', reason: what, fixableBy: 'operator', actions: [found] };
  }
  const refundable = refundableMinor(charge);
  const actions =
    status === 'captured'
      ? refundable > 0n
        ? [
            {
              what: `Give back up to ${money(refundable, charge.currency)}`,
              command: `bursar charges refund ${charge.id} --reason WHY`,
            },
          ]
        : []
      : explained.next.filter(({ command }) => !command.startsWith('bursar charges why'));
  return { status, atMs: explained.retryAtMs, rule, reason, fixableBy, actions };
}
