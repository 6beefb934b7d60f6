// Journal entries, postings and accounts in the book. Everything here is set-based: one statement per table and batch.
import type { Knex } from 'knex';
import { assert } from '../errors.ts';
import { inList, insertion, insertRows, listBinding, select, type Write, writeInOrder } from '../storage/batch.ts';
import { countAmong, countUpTo } from '../storage/count.ts';
import { type EntryKind, type JournalEntry, monthOf, type NormalSide, normalSideOf, type Posting } from './ledger.ts';

export interface Account {
  id: number;
  name: string;
  currency: string;
  normalSide: NormalSide;
}

/** Appends entries with their postings, opening accounts on their first use. */
export async function insertEntries(trx: Knex, entries: readonly JournalEntry[]): Promise<void> {
  const accounts = await openAccounts(trx, entries);
  await writeInOrder(trx, [() => entriesInsertion(entries), () => postingsInsertion(entries, accounts)]);
}

export function entriesInsertion(entries: readonly JournalEntry[]): Write | null {
  return insertion(
    'journal_entries',
    ['id', 'kind', 'charge_id', 'attempt_id', 'reverses_id', 'reason', 'posted_at'],
    entries.map((entry) => [
      entry.id,
      entry.kind,
      entry.chargeId,
      entry.attemptId,
      entry.reversesId,
      entry.reason,
      entry.postedAt,
    ]),
  );
}

/** `accounts`: what `openAccounts` has answered for these entries. */
export function postingsInsertion(entries: readonly JournalEntry[], accounts: AccountIds): Write | null {
  const idOf = (name: string, currency: string): number => {
    const id = accounts.get(`${name} ${currency}`);
    assert(id !== undefined, `no account ${name} ${currency}`);
    return id;
  };
  return insertion(
    'postings',
    ['entry_id', 'line', 'month', 'debit_account', 'credit_account', 'currency', 'amount_minor'],
    entries.flatMap((entry) =>
      entry.postings.map((posting, line) => [
        entry.id,
        line + 1,
        monthOf(entry.postedAt),
        idOf(posting.debit, posting.currency),
        idOf(posting.credit, posting.currency),
        posting.currency,
        Number(posting.amountMinor),
      ]),
    ),
  );
}

/** By name and currency. */
export type AccountIds = ReadonlyMap<string, number>;

/** The accounts that these entries post to, opened on their first use. */
export async function openAccounts(trx: Knex, entries: readonly JournalEntry[]): Promise<AccountIds> {
  if (entries.length === 0) return new Map();
  const wanted = new Map<string, [string, string]>();
  for (const { postings } of entries) {
    for (const { debit, credit, currency } of postings) {
      wanted.set(`${debit} ${currency}`, [debit, currency]);
      wanted.set(`${credit} ${currency}`, [credit, currency]);
    }
  }
  const found = await findAccounts(trx, [...wanted.values()]);
  const missing = [...wanted].filter(([key]) => !found.has(key)).map(([, account]) => account);
  if (missing.length === 0) return found;
  await insertRows(
    trx,
    'accounts',
    ['name', 'currency', 'normal_side'],
    missing.map(([name, currency]) => [name, currency, normalSideOf(name)]),
  );
  return findAccounts(trx, [...wanted.values()]);
}

async function findAccounts(db: Knex, wanted: readonly [string, string][]): Promise<Map<string, number>> {
  const rows = await select<{ id: number; name: string; currency: string }>(
    db,
    `SELECT a.id, a.name, a.currency FROM json_each(?) AS w
       JOIN accounts a ON a.name = w.value->>0 AND a.currency = w.value->>1`,
    [JSON.stringify(wanted)],
  );
  return new Map(rows.map((row) => [`${row.name} ${row.currency}`, row.id]));
}

interface AccountRow {
  id: number;
  name: string;
  currency: string;
  normal_side: NormalSide;
}

export async function listAccounts(db: Knex): Promise<Account[]> {
  const rows = await select<AccountRow>(
    db,
    'SELECT id, name, currency, normal_side FROM accounts ORDER BY name, currency',
  );
  return rows.map((row) => ({ id: row.id, name: row.name, currency: row.currency, normalSide: row.normal_side }));
}

export interface EntryFilter {
  chargeId?: string;
  account?: string;
  sinceMs?: number;
  untilMs?: number;
}

/** Ids in the reverse order of their posting, from behind `before`. */
export async function entryPage(
  db: Knex,
  filter: EntryFilter,
  limit: number,
  before?: { postedAt: number; id: string },
): Promise<JournalEntry[]> {
  const { where, bindings } = entryWhere(filter);
  if (before !== undefined) {
    where.push('(e.posted_at, e.id) < (?, ?)');
    bindings.push(before.postedAt, before.id);
  }
  const rows = await select<{ id: string }>(
    db,
    `SELECT e.id FROM journal_entries e ${whereText(where)} ORDER BY e.posted_at DESC, e.id DESC LIMIT ?`,
    [...bindings, limit],
  );
  return entriesById(
    db,
    rows.map(({ id }) => id),
  );
}

export function countEntries(db: Knex, filter: EntryFilter): Promise<number | null> {
  const { where, bindings } = entryWhere(filter);
  return filter.account === undefined
    ? countUpTo(db, `SELECT 1 FROM journal_entries e ${whereText(where)}`, bindings)
    : countAmong(db, 'journal_entries e', where.join(' AND '), bindings);
}

function entryWhere(filter: EntryFilter): { where: string[]; bindings: (string | number)[] } {
  const where: string[] = [];
  const bindings: (string | number)[] = [];
  const add = (sql: string, ...values: (string | number)[]): void => {
    where.push(sql);
    bindings.push(...values);
  };
  if (filter.chargeId !== undefined) add(`e.id IN (${ENTRIES_OF_CHARGE})`, filter.chargeId, filter.chargeId);
  if (filter.sinceMs !== undefined) add('e.posted_at >= ?', filter.sinceMs);
  if (filter.untilMs !== undefined) add('e.posted_at < ?', filter.untilMs);
  if (filter.account !== undefined) {
    add(
      `EXISTS (SELECT 1 FROM postings p JOIN accounts a ON a.id IN (p.debit_account, p.credit_account)
         WHERE p.entry_id = e.id AND a.name = ?)`,
      filter.account,
    );
  }
  return { where, bindings };
}

/** An entry that an attempt caused has its id; an index holds the few others. */
const ENTRIES_OF_CHARGE = `SELECT 'je_' || substr(id, 5) FROM attempts WHERE charge_id = ?
  UNION ALL SELECT id FROM journal_entries WHERE charge_id = ? AND kind IN ('reversed', 'adopted')`;

const whereText = (where: readonly string[]): string => (where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`);

interface EntryRow {
  id: string;
  kind: EntryKind;
  charge_id: string | null;
  attempt_id: string | null;
  reverses_id: string | null;
  reason: string | null;
  posted_at: number;
  postings: string;
}

/** Which of these ids are entries already. */
export async function existingEntryIds(db: Knex, ids: readonly string[]): Promise<Set<string>> {
  const rows = await select<{ id: string }>(db, `SELECT id FROM journal_entries WHERE id IN ${inList}`, [
    listBinding(ids),
  ]);
  return new Set(rows.map(({ id }) => id));
}

/** Entries in the order of `ids`; ids that aren't there are left out. */
export async function entriesById(db: Knex, ids: readonly string[]): Promise<JournalEntry[]> {
  const rows = await select<EntryRow>(
    db,
    `SELECT e.*, (SELECT json_group_array(json_array(d.name, c.name, p.amount_minor, p.currency))
         FROM postings p JOIN accounts d ON d.id = p.debit_account JOIN accounts c ON c.id = p.credit_account
         WHERE p.entry_id = e.id) AS postings
       FROM journal_entries e WHERE e.id IN ${inList}`,
    [listBinding(ids)],
  );
  const byId = new Map(rows.map((row) => [row.id, toEntry(row)]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}

function toEntry(row: EntryRow): JournalEntry {
  const postings = JSON.parse(row.postings) as [string, string, number, string][];
  return {
    id: row.id,
    kind: row.kind,
    chargeId: row.charge_id,
    attemptId: row.attempt_id,
    reversesId: row.reverses_id,
    reason: row.reason,
    postedAt: row.posted_at,
    postings: postings.map(
      ([debit, credit, amountMinor, currency]): Posting => ({
        debit,
        credit,
        amountMinor: BigInt(amountMinor),
        currency,
      }),
    ),
  };
}
