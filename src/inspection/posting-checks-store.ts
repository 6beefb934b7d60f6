// The ledger against the attempts that moved money: each of them is posted exactly once, as it should be, and nothing else
// is; and the control accounts against the charges. Set-based, in the order of the tables' keys.
import type { Knex } from 'knex';
import { CUSTOMERS_OVERPAID, gatewayAccount, REVENUE_REFUNDS, REVENUE_SALES } from '../ledger/ledger.ts';
import { select } from '../storage/batch.ts';
import { bigSum, fromBigSum } from '../storage/big-sum.ts';

const GATEWAY = gatewayAccount('');

/** A refund that was approved and failed later: posted, and undone by a reversal. */
const FAILED_LATE = `(t.operation = 'refund' AND t.outcome = 'declined' AND t.late = 1)`;

/** What an attempt `t` has to be posted as, or NULL. An authorization moves nothing yet, a void never will. */
const KIND = `CASE
  WHEN t.outcome = 'approved' AND t.operation IN ('sale', 'capture') THEN 'captured'
  WHEN t.operation = 'refund' AND (t.outcome = 'approved' OR ${FAILED_LATE}) THEN 'refunded'
  WHEN t.outcome = 'duplicate' AND t.operation IN ('sale', 'capture') THEN 'duplicate' END`;
/** Whether the refund attempt `t` gives back a second payment, which was no revenue. */
const OF_DUPLICATE = `EXISTS (SELECT 1 FROM refunds r WHERE r.id = t.refund_id AND r.duplicate_attempt_id IS NOT NULL)`;
const DEBIT = `CASE ${KIND} WHEN 'refunded'
  THEN CASE WHEN ${OF_DUPLICATE} THEN '${CUSTOMERS_OVERPAID}' ELSE '${REVENUE_REFUNDS}' END
  ELSE '${GATEWAY}' || t.gateway END`;
const CREDIT = `CASE ${KIND} WHEN 'captured' THEN '${REVENUE_SALES}' WHEN 'duplicate' THEN '${CUSTOMERS_OVERPAID}'
  ELSE '${GATEWAY}' || t.gateway END`;

/** The kinds of entries that attempts cause; others are made by people. */
const CAUSED = `('captured', 'refunded', 'duplicate')`;

/** The entry of an attempt has its id with another prefix: the primary key refuses a second one. */
const ENTRY_ID = `'je_' || substr(t.id, 5)`;

/** The reversal of a refund has the refund's. */
const REVERSAL_ID = `'je_' || substr(t.refund_id, 4)`;

export interface MissingEntry {
  attemptId: string;
  chargeId: string;
  kind: string;
  amount: number;
  currency: string;
}

/** Attempts that moved money and have no entry; refunds that failed late and have no reversal. */
export async function missingEntries(db: Knex, limit: number): Promise<MissingEntry[]> {
  return select<MissingEntry>(
    db,
    `SELECT t.id AS "attemptId", t.charge_id AS "chargeId", CASE WHEN e.id IS NULL THEN ${KIND} ELSE 'reversed' END AS kind,
            t.amount_minor AS amount, t.currency
       FROM attempts t LEFT JOIN journal_entries e ON e.id = ${ENTRY_ID}
      WHERE ${KIND} IS NOT NULL AND (e.id IS NULL OR (${FAILED_LATE} AND NOT EXISTS (
              SELECT 1 FROM journal_entries v WHERE v.id = ${REVERSAL_ID} AND v.kind = 'reversed' AND v.reverses_id = e.id)))
      LIMIT ?`,
    [limit],
  );
}

export interface WrongEntry {
  id: string;
  kind: string;
  chargeId: string | null;
  attemptId: string | null;
  /** What the attempt calls for; null where it moved no money or isn't there. */
  kindOfAttempt: string | null;
  chargeOfAttempt: string | null;
  isOfAttempt: number;
  postings: number;
  amount: number | null;
  amountOfAttempt: number | null;
  currency: string | null;
  currencyOfAttempt: string | null;
  debit: string | null;
  debitOfAttempt: string | null;
  credit: string | null;
  creditOfAttempt: string | null;
}

const ENTRY_PICKS = `e.id, e.kind, e.charge_id AS "chargeId", e.attempt_id AS "attemptId", ${KIND} AS "kindOfAttempt",
  t.charge_id AS "chargeOfAttempt", COALESCE(e.id = ${ENTRY_ID}, 0) AS "isOfAttempt", COUNT(p.line) AS postings,
  MIN(p.amount_minor) AS amount, t.amount_minor AS "amountOfAttempt", MIN(p.currency) AS currency,
  t.currency AS "currencyOfAttempt", MIN(d.name) AS debit, ${DEBIT} AS "debitOfAttempt", MIN(k.name) AS credit,
  ${CREDIT} AS "creditOfAttempt"`;

/** Entries of kinds that attempts cause which are not, to the last field, what one of them calls for. */
export async function wrongEntries(db: Knex, limit: number): Promise<WrongEntry[]> {
  return select<WrongEntry>(
    db,
    `SELECT * FROM (
       SELECT ${ENTRY_PICKS} FROM journal_entries e
         LEFT JOIN attempts t ON t.id = e.attempt_id LEFT JOIN postings p ON p.entry_id = e.id
         LEFT JOIN accounts d ON d.id = p.debit_account LEFT JOIN accounts k ON k.id = p.credit_account
        WHERE e.kind IN ${CAUSED} GROUP BY e.id)
      WHERE kind IS NOT "kindOfAttempt" OR "isOfAttempt" = 0 OR "chargeId" IS NOT "chargeOfAttempt" OR postings <> 1
         OR amount IS NOT "amountOfAttempt" OR currency IS NOT "currencyOfAttempt" OR debit IS NOT "debitOfAttempt"
         OR credit IS NOT "creditOfAttempt"
      LIMIT ?`,
    [limit],
  );
}

export interface OddEntry {
  id: string;
  kind: string;
  fault: 'no_postings' | 'reverses_nothing' | 'reversed_twice' | 'reversal_differs' | 'reversal_of_standing';
}

// The postings of an entry as one text, and as their mirror image.
const postingsOf = (entry: string, [debit, credit]: [string, string]): string =>
  `(SELECT group_concat(x) FROM (SELECT ${debit} || '>' || ${credit} || ':' || currency || amount_minor AS x FROM postings
     WHERE entry_id = ${entry} ORDER BY x))`;

/** Entries made by people that can't be right: without postings, or reversals that don't undo another entry, once. */
export async function oddEntries(db: Knex, limit: number): Promise<OddEntry[]> {
  return select<OddEntry>(
    db,
    `SELECT * FROM (
       SELECT e.id, e.kind, CASE
         WHEN NOT EXISTS (SELECT 1 FROM postings p WHERE p.entry_id = e.id) THEN 'no_postings'
         WHEN e.kind <> 'reversed' THEN NULL
         WHEN NOT EXISTS (SELECT 1 FROM journal_entries o WHERE o.id = e.reverses_id) THEN 'reverses_nothing'
         WHEN (SELECT COUNT(*) FROM journal_entries o WHERE o.kind = 'reversed' AND o.reverses_id = e.reverses_id) > 1
           THEN 'reversed_twice'
         WHEN ${postingsOf('e.id', ['debit_account', 'credit_account'])}
           IS NOT ${postingsOf('e.reverses_id', ['credit_account', 'debit_account'])} THEN 'reversal_differs'
         WHEN EXISTS (SELECT 1 FROM attempts t JOIN journal_entries o ON o.attempt_id = t.id
           WHERE t.id = e.attempt_id AND o.id = e.reverses_id AND NOT ${FAILED_LATE}) THEN 'reversal_of_standing' END AS fault
         FROM journal_entries e WHERE e.kind NOT IN ${CAUSED})
      WHERE fault IS NOT NULL LIMIT ?`,
    [limit],
  );
}

export interface OddPosting {
  entryId: string;
  line: number;
  fault: 'currency' | 'month' | 'no_entry' | 'no_account';
}

/** Postings in another currency than their accounts, in another month than their entry, or of nothing. */
export async function oddPostings(db: Knex, limit: number): Promise<OddPosting[]> {
  return select<OddPosting>(
    db,
    `SELECT * FROM (
       SELECT p.entry_id AS "entryId", p.line, CASE
         WHEN e.id IS NULL THEN 'no_entry'
         WHEN d.id IS NULL OR k.id IS NULL THEN 'no_account'
         WHEN d.currency <> p.currency OR k.currency <> p.currency THEN 'currency'
         WHEN p.month <> CAST(strftime('%Y%m', e.posted_at / 1000, 'unixepoch') AS INTEGER) THEN 'month' END AS fault
         FROM postings p LEFT JOIN journal_entries e ON e.id = p.entry_id
         LEFT JOIN accounts d ON d.id = p.debit_account LEFT JOIN accounts k ON k.id = p.credit_account)
      WHERE fault IS NOT NULL LIMIT ?`,
    [limit],
  );
}

export interface Control {
  account: string;
  currency: string;
  /** Credits less debits of the entries that attempts caused, and the same from charges and attempts. */
  ledgerMinor: bigint;
  chargesMinor: bigint;
}

/** What the charges (and for gateways and duplicates the attempts) say that the control accounts hold. */
const OVERPAID = `t.outcome = 'approved' AND t.operation = 'refund' AND ${OF_DUPLICATE}`;
const EXPECTED = `
  SELECT '${REVENUE_SALES}' AS account, currency, captured_minor AS amount FROM charges WHERE captured_minor <> 0
  UNION ALL SELECT '${REVENUE_REFUNDS}', currency, -refunded_minor FROM charges WHERE refunded_minor <> 0
  UNION ALL SELECT '${CUSTOMERS_OVERPAID}', t.currency, t.amount_minor FROM attempts t WHERE ${KIND} = 'duplicate'
  UNION ALL SELECT '${CUSTOMERS_OVERPAID}', t.currency, -t.amount_minor FROM attempts t WHERE ${OVERPAID}
  UNION ALL SELECT '${GATEWAY}' || t.gateway, t.currency, CASE ${KIND} WHEN 'refunded' THEN t.amount_minor ELSE -t.amount_minor END
    FROM attempts t WHERE ${KIND} IS NOT NULL AND NOT ${FAILED_LATE}`;

/** The entries that attempts caused or undid, per pair of accounts: a handful of rows for any number of postings. */
const POSTED = `SELECT d.name AS debit, k.name AS credit, moved.currency, total FROM (
    SELECT p.debit_account, p.credit_account, p.currency, ${bigSum('p.amount_minor')} AS total
      FROM postings p JOIN journal_entries e ON e.id = p.entry_id WHERE e.kind IN ${CAUSED} OR (e.kind = 'reversed' AND e.attempt_id IS NOT NULL) GROUP BY 1, 2, 3) moved
  JOIN accounts d ON d.id = moved.debit_account JOIN accounts k ON k.id = moved.credit_account`;

/** Control accounts that do not hold what charges and attempts say. */
export async function wrongControls(db: Knex): Promise<Control[]> {
  const expected = new Totals();
  for (const row of await select<{ account: string; currency: string; total: string | null }>(
    db,
    `SELECT account, currency, ${bigSum('amount')} AS total FROM (${EXPECTED}) GROUP BY account, currency`,
  )) {
    expected.add(row.account, row.currency, fromBigSum(row.total));
  }
  const posted = new Totals();
  for (const row of await select<{ debit: string; credit: string; currency: string; total: string | null }>(
    db,
    POSTED,
  )) {
    posted.add(row.debit, row.currency, -fromBigSum(row.total));
    posted.add(row.credit, row.currency, fromBigSum(row.total));
  }
  const accounts = new Map([...expected.accounts, ...posted.accounts]);
  return [...accounts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([key, [account, currency]]) => {
      const [ledgerMinor, chargesMinor] = [posted.total(key), expected.total(key)];
      return ledgerMinor === chargesMinor ? [] : [{ account, currency, ledgerMinor, chargesMinor }];
    });
}

class Totals {
  readonly accounts = new Map<string, [account: string, currency: string]>();
  readonly #totals = new Map<string, bigint>();

  add(account: string, currency: string, minor: bigint): void {
    const key = `${account} ${currency}`;
    this.accounts.set(key, [account, currency]);
    this.#totals.set(key, this.total(key) + minor);
  }

  total(key: string): bigint {
    return this.#totals.get(key) ?? 0n;
  }
}

export interface WrongSnapshot {
  month: number;
  account: string;
  currency: string;
}

/** Closed months whose snapshot is not the sum of their postings. */
export async function wrongSnapshots(db: Knex): Promise<WrongSnapshot[]> {
  const months = await select<{ month: number; count: number }>(
    db,
    'SELECT month, posting_count AS count FROM closed_months ORDER BY month',
  );
  const [newest] = months.slice(-1);
  if (newest === undefined) return [];
  const rows = await select<{
    account: string;
    currency: string;
    debit: string | null;
    credit: string | null;
    snap_debit: string | null;
    snap_credit: string | null;
  }>(
    db,
    `WITH moved AS (SELECT debit_account, credit_account, ${bigSum('amount_minor')} AS total FROM postings WHERE month <= ?
                     GROUP BY 1, 2)
     SELECT a.name AS account, a.currency, s.debit_minor AS snap_debit, s.credit_minor AS snap_credit,
            (SELECT group_concat(total) FROM moved WHERE debit_account = a.id) AS debit,
            (SELECT group_concat(total) FROM moved WHERE credit_account = a.id) AS credit
       FROM accounts a LEFT JOIN balance_snapshots s ON s.account_id = a.id AND s.month = ?`,
    [newest.month, newest.month],
  );
  const sum = (totals: string | null): string =>
    (totals?.split(',') ?? []).reduce((all, total) => all + fromBigSum(total), 0n).toString();
  return rows
    .filter((row) => sum(row.debit) !== (row.snap_debit ?? '0') || sum(row.credit) !== (row.snap_credit ?? '0'))
    .map(({ account, currency }) => ({ month: newest.month, account, currency }));
}
