// Balances: the newest closed month's snapshot plus the postings of the months since, so that no writer ever queues on
// a balance row (measured on PostgreSQL with 32 connections: a hot row costs a factor of 4.7).

import { BursarError } from '../errors.ts';
import { insertRows, select } from '../storage/batch.ts';
import { bigSum, fromBigSum } from '../storage/big-sum.ts';
import type { Db } from '../storage/db.ts';
import { formatMonth, monthOf, type NormalSide } from './ledger.ts';

export interface Balance {
  account: string;
  currency: string;
  normalSide: NormalSide;
  /** Minor units on the account's normal side; negative when it stands on the other. */
  balanceMinor: bigint;
}

interface SumRow {
  id: number;
  name: string;
  currency: string;
  normal_side: NormalSide;
  debit: string;
  credit: string;
}

/** Snapshot of the newest closed month and the sums after it, per account, up to and including `upToMonth`. */
async function sums(db: Db, upToMonth: number): Promise<SumRow[]> {
  // One sum per pair of accounts; the few pairs of an account are listed with commas and added up here.
  const rows = await select<{
    id: number;
    name: string;
    currency: string;
    normal_side: NormalSide;
    snap_debit: string | null;
    snap_credit: string | null;
    debit: string | null;
    credit: string | null;
  }>(
    db,
    `WITH closed AS (SELECT COALESCE(MAX(month), 0) AS month FROM closed_months),
          moved AS (SELECT debit_account, credit_account, ${bigSum('amount_minor')} AS amount FROM postings
                    WHERE month > (SELECT month FROM closed) AND month <= ? GROUP BY debit_account, credit_account),
          debits AS (SELECT debit_account AS id, group_concat(amount) AS amounts FROM moved GROUP BY 1),
          credits AS (SELECT credit_account AS id, group_concat(amount) AS amounts FROM moved GROUP BY 1)
     SELECT a.id, a.name, a.currency, a.normal_side, s.debit_minor AS snap_debit, s.credit_minor AS snap_credit,
            d.amounts AS debit, c.amounts AS credit
       FROM accounts a
       LEFT JOIN balance_snapshots s ON s.account_id = a.id AND s.month = (SELECT month FROM closed)
       LEFT JOIN debits d ON d.id = a.id LEFT JOIN credits c ON c.id = a.id
      ORDER BY a.name, a.currency`,
    [upToMonth],
  );
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    currency: row.currency,
    normal_side: row.normal_side,
    debit: (BigInt(row.snap_debit ?? 0) + added(row.debit)).toString(),
    credit: (BigInt(row.snap_credit ?? 0) + added(row.credit)).toString(),
  }));
}

function added(amounts: string | null): bigint {
  return (amounts?.split(',') ?? []).reduce((sum, amount) => sum + fromBigSum(amount), 0n);
}

const END_OF_TIME = 999_999;

export async function balances(db: Db): Promise<Balance[]> {
  return (await sums(db, END_OF_TIME)).map((row) => {
    const net = BigInt(row.debit) - BigInt(row.credit);
    return {
      account: row.name,
      currency: row.currency,
      normalSide: row.normal_side,
      balanceMinor: row.normal_side === 'debit' ? net : -net,
    };
  });
}

/** The month that is closed last, 0 for none. Refuses (`invalid_state`) a month that can't be closed after it. */
export async function assertClosable(db: Db, month: number, nowMs: number): Promise<number> {
  if (month >= monthOf(nowMs)) {
    throw new BursarError('invalid_state', `${formatMonth(month)} is not over yet. Nothing was closed.`, {
      hint: 'Close a month after its last day (UTC).',
    });
  }
  const [closed] = await select<{ month: number | null }>(db, 'SELECT MAX(month) AS month FROM closed_months');
  const last = closed?.month ?? 0;
  if (month > last) return last;
  throw new BursarError('invalid_state', `${formatMonth(month)} is closed already. Nothing was changed.`, {
    hint: `Closed is everything up to ${formatMonth(last)}.`,
  });
}

/**
 * Closes a month that is over, in the caller's write trx: its snapshot is stored and backdated postings are refused
 * from then on. Refuses the current month, and one that is closed.
 */
export async function closeMonth(trx: Db, month: number, nowMs: number): Promise<{ postings: number }> {
  const last = await assertClosable(trx, month, nowMs);
  const rows = await sums(trx, month);
  const [count] = await select<{ n: number }>(
    trx,
    'SELECT COUNT(*) AS n FROM postings WHERE month > ? AND month <= ?',
    [last, month],
  );
  await insertRows(
    trx,
    'balance_snapshots',
    ['month', 'account_id', 'debit_minor', 'credit_minor'],
    rows.map((row) => [month, row.id, row.debit, row.credit]),
  );
  await insertRows(trx, 'closed_months', ['month', 'posting_count', 'closed_at'], [[month, count?.n ?? 0, nowMs]]);
  return { postings: count?.n ?? 0 };
}
