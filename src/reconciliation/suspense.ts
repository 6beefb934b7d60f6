// Money that a gateway moved in our name and that nobody can explain from the book: posted against assets:suspense, so
// that the gateway's account agrees with the gateway, and a person can finish it.
import { type AuditEntry, appendAudit } from '../audit/audit.ts';
import { factsOf } from '../charges/adopt.ts';
import { hasFailedSince } from '../charges/adoption-plan.ts';
import type { ChargesContext } from '../charges/context.ts';
import type { GatewayRecord } from '../gateways/gateway.ts';
import { derivedId, isId, siblingId } from '../ids.ts';
import { gatewayAccount, type JournalEntry, SUSPENSE } from '../ledger/ledger.ts';
import { existingEntryIds, insertEntries } from '../ledger/ledger-store.ts';
import type { Db } from '../storage/db.ts';

export interface Unexplained {
  record: GatewayRecord;
  why: string;
}

/** An authorization, its end, and a refund that came back, move no money: there is nothing to post. */
export function movesMoney(record: GatewayRecord): boolean {
  const { operation } = record;
  return operation !== 'authorize' && operation !== 'void' && !hasFailedSince(record);
}

/** Those of them that are not posted yet; the others were met by an earlier run. */
export async function notPosted(
  db: Db,
  bookId: string,
  gateway: string,
  unexplained: readonly Unexplained[],
): Promise<Unexplained[]> {
  const ids = unexplained.map(({ record }) => entryId(bookId, gateway, record));
  const posted = await existingEntryIds(db, ids);
  return unexplained.filter((_, index) => {
    const id = ids[index] ?? '';
    const isNew = !posted.has(id);
    posted.add(id);
    return isNew;
  });
}

/** Posts and audits what `notPosted` has let through in this very trx. */
export async function postToSuspense(
  trx: Db,
  { book, clock, author }: ChargesContext,
  gateway: string,
  unexplained: readonly Unexplained[],
): Promise<void> {
  if (unexplained.length === 0) return;
  const nowMs = clock.nowMs();
  await insertEntries(
    trx,
    unexplained.map(({ record, why }) => entryOf(record, why, book.bookId, gateway, nowMs)),
  );
  await appendAudit(
    trx,
    author,
    nowMs,
    unexplained.map(
      ({ record, why }): AuditEntry => ({
        subject: entryId(book.bookId, gateway, record),
        action: 'gateway.adopt',
        after: factsOf(record),
        result: 'suspense',
        reason: why,
        gateway,
        currency: record.currency,
        amountMinor: record.amountMinor,
      }),
    ),
  );
}

function entryOf(record: GatewayRecord, why: string, bookId: string, gateway: string, nowMs: number): JournalEntry {
  const { operation, amountMinor, currency, attemptId, chargeId } = record;
  const account = gatewayAccount(gateway);
  const [debit, credit] = operation === 'refund' ? [SUSPENSE, account] : [account, SUSPENSE];
  return {
    id: entryId(bookId, gateway, record),
    kind: 'adopted',
    chargeId: isId('charge', chargeId) ? chargeId : null,
    attemptId: isId('attempt', attemptId) ? attemptId : null,
    reversesId: null,
    reason: why,
    postedAt: nowMs,
    postings: [{ debit, credit, amountMinor, currency }],
  };
}

/** Follows from the attempt's, so that it is posted once; for what no attempt of ours caused, from the provider's own words. */
function entryId(bookId: string, gateway: string, { attemptId, reference, at }: GatewayRecord): string {
  if (isId('attempt', attemptId)) return siblingId('entry', attemptId);
  return derivedId('entry', at, bookId, gateway, reference);
}
