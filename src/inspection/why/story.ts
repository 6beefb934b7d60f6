// A charge's whole story as steps in time order, made of what stands in the book: its audit rows tell what was done, by
// whom and by which rule; postings and events stand behind the row in whose commit they were written.
import { siblingId } from '../../ids.ts';
import type { JournalEntry } from '../../ledger/ledger.ts';
import { money } from '../money-text.ts';
import { closesWith, RowReader } from './row-reader.ts';
import { NOTHING_MORE, type StoryFacts, type StoryStep } from './step.ts';
import type { PublishedEvent, StoryRow } from './story-store.ts';

export function tellStory(facts: StoryFacts): StoryStep[] {
  const reader = new RowReader(facts);
  const entries = new Map(facts.entries.map((entry) => [entry.id, entry]));
  const events = [...facts.events];
  const steps: StoryStep[] = facts.scheduleRow === null ? [] : [reader.read(facts.scheduleRow)];
  for (const row of facts.rows) {
    const step = reader.read(row);
    // What no row accounts for (a row is missing) stands where its time puts it.
    while (events[0] !== undefined && events[0].occurredAt < row.at) steps.push(publication(events.shift(), null));
    steps.push(step);
    const entry =
      closesWith(row) && step.attemptId !== null ? entries.get(siblingId('entry', step.attemptId)) : undefined;
    if (entry !== undefined) {
      entries.delete(entry.id);
      steps.push(...postings(entry, step));
    }
    for (let left = publishedBy(row); left > 0 && events[0]?.occurredAt === row.at; left -= 1) {
      if (!belongsTo(events[0], row)) break;
      steps.push(publication(events.shift(), step));
    }
  }
  steps.push(...[...entries.values()].flatMap((entry) => postings(entry, null)));
  steps.push(...events.map((event) => publication(event, null)));
  return steps;
}

function postings({ id, kind, postedAt, attemptId, postings: lines }: JournalEntry, by: StoryStep | null): StoryStep[] {
  return lines.map(({ debit, credit, amountMinor, currency }) => ({
    ...NOTHING_MORE,
    atMs: postedAt,
    actor: by?.actor ?? null,
    command: by?.command ?? null,
    kind: 'posted',
    what: `Posted as ${kind}: ${money(amountMinor, currency)}, debit ${debit}, credit ${credit}.`,
    attemptId,
    entryId: id,
  }));
}

function publication(event: PublishedEvent | undefined, by: StoryStep | null): StoryStep {
  const { id, type, version, occurredAt } = event as PublishedEvent;
  return {
    ...NOTHING_MORE,
    atMs: occurredAt,
    actor: by?.actor ?? null,
    command: by?.command ?? null,
    kind: 'published',
    what: `Published ${type}, version ${version} of this charge.`,
    attemptId: by?.attemptId ?? null,
    eventId: id,
  };
}

/** How many events one audit row may stand for: a settled refund tells of itself besides a change of status. */
const publishedBy = ({ action }: StoryRow): number => (action.endsWith('.settle') ? 2 : 1);

/** Whether an event is of the kind that this row's change publishes. */
function belongsTo({ type }: PublishedEvent, { action, status, result }: StoryRow): boolean {
  const [, word = ''] = type.split('.');
  if (type.startsWith('refund.')) return action === 'refund.settle' && result !== 'unknown';
  if (word === 'created') return action === 'charge.create';
  if (word === 'replayed') return action === 'charge.replay';
  if (word === 'duplicate') return result === 'duplicate';
  return word === status && action !== 'charge.create';
}
