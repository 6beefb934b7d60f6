// The ledger against the attempts that moved money: posted exactly once, as it should be, and nothing else.

import type { Findings } from '../audit/finding.ts';
import { normalSideOf } from '../ledger/ledger.ts';
import type { Db } from '../storage/db.ts';
import { ASKED_PER_KIND } from './asked.ts';
import { money } from './money-text.ts';
import {
  missingEntries,
  type OddEntry,
  type OddPosting,
  oddEntries,
  oddPostings,
  type WrongEntry,
  wrongControls,
  wrongEntries,
  wrongSnapshots,
} from './posting-checks-store.ts';

export async function checkPostings(db: Db, findings: Findings): Promise<void> {
  for (const { attemptId, chargeId, kind, amount, currency } of await missingEntries(db, ASKED_PER_KIND)) {
    const message = `Attempt ${attemptId} of charge ${chargeId} ${DID[kind] ?? kind} ${money(amount, currency)}, which is not posted.`;
    findings.add('entry_missing', attemptId, message, `bursar ledger entries --charge ${chargeId}`);
  }
  for (const entry of await wrongEntries(db, ASKED_PER_KIND)) {
    const [code, message] = faultOf(entry);
    const chargeId = entry.chargeId ?? entry.chargeOfAttempt;
    findings.add(
      code,
      entry.id,
      message,
      chargeId === null ? 'bursar ledger entries --all' : `bursar ledger entries --charge ${chargeId}`,
    );
  }
  for (const { id, kind, fault } of await oddEntries(db, ASKED_PER_KIND)) {
    findings.add('entry_wrong', id, `Entry ${id} (${kind}) ${ODD_ENTRIES[fault]}.`, 'bursar ledger entries --all');
  }
  for (const { entryId, line, fault } of await oddPostings(db, ASKED_PER_KIND)) {
    findings.add(
      'posting_wrong',
      entryId,
      `Line ${line} of entry ${entryId} ${ODD_POSTINGS[fault]}.`,
      'bursar ledger entries --all',
    );
  }
  for (const { account, currency, ledgerMinor, chargesMinor } of await wrongControls(db)) {
    const sign = normalSideOf(account) === 'credit' ? 1n : -1n;
    const message = `${account} holds ${money(sign * ledgerMinor, currency)} by its postings, but ${money(sign * chargesMinor, currency)} by the charges and attempts.`;
    findings.add('control_account', `${account} ${currency}`, message, `bursar ledger entries --account ${account}`);
  }
  for (const { month, account, currency } of await wrongSnapshots(db)) {
    const message = `The balance of ${account} ${currency} at the close of ${month} is not the sum of its postings.`;
    findings.add('snapshot_wrong', `${account} ${currency}`, message, `bursar ledger entries --account ${account}`);
  }
}

const DID: Readonly<Record<string, string>> = {
  duplicate: 'collected a second time',
  reversed: 'failed after it had given back',
};

const ODD_ENTRIES: Record<OddEntry['fault'], string> = {
  no_postings: 'has no postings',
  reverses_nothing: 'reverses an entry that is not there',
  reversed_twice: 'reverses an entry that another one reverses too',
  reversal_differs: 'is not the mirror image of the entry that it reverses',
  reversal_of_standing: 'undoes what its attempt did, which stands',
};

const ODD_POSTINGS: Record<OddPosting['fault'], string> = {
  no_entry: 'belongs to an entry that is not there',
  no_account: 'is on an account that is not there',
  currency: 'is in another currency than its accounts',
  month: 'is kept in another month than that of its entry',
};

/** What is wrong with an entry that an attempt is said to have caused. */
function faultOf(entry: WrongEntry): [code: string, message: string] {
  const { id, kind, attemptId, kindOfAttempt, currency, currencyOfAttempt } = entry;
  if (kindOfAttempt === null) {
    const why = entry.chargeOfAttempt === null ? 'is not there' : 'moved no money';
    return ['entry_unexpected', `Entry ${id} posts ${kind} money of attempt ${attemptId ?? '(none)'}, which ${why}.`];
  }
  if (entry.isOfAttempt === 0)
    return ['entry_doubled', `Entry ${id} posts attempt ${attemptId} once more: its own entry is another one.`];
  if (kind !== kindOfAttempt)
    return ['entry_wrong', `Entry ${id} is ${kind}, but attempt ${attemptId} calls for ${kindOfAttempt}.`];
  if (entry.chargeId !== entry.chargeOfAttempt)
    return [
      'entry_wrong',
      `Entry ${id} names charge ${entry.chargeId}, its attempt belongs to ${entry.chargeOfAttempt}.`,
    ];
  if (entry.postings !== 1) {
    return [
      entry.postings === 0 ? 'posting_missing' : 'posting_doubled',
      `Entry ${id} has ${entry.postings} postings instead of one.`,
    ];
  }
  if (entry.amount !== entry.amountOfAttempt || currency !== currencyOfAttempt) {
    return [
      'posting_amount',
      `Entry ${id} posts ${money(entry.amount, currency)}, but attempt ${attemptId} moved ${money(entry.amountOfAttempt, currencyOfAttempt)}.`,
    ];
  }
  return [
    'posting_account',
    `Entry ${id} debits ${entry.debit} and credits ${entry.credit} instead of ${entry.debitOfAttempt} and ${entry.creditOfAttempt}.`,
  ];
}
