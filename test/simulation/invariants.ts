// What must hold whenever nothing moves, whoever has crashed where: the banks' records against the book's, and the book
// against itself. Everything is recomputed from rows, with none of the code that it judges (but for the balances).
import { balances } from '../../src/ledger/balances.ts';
import type { Executed } from './banks.ts';
import { GATEWAYS, type World } from './world.ts';

export interface AttemptRow {
  id: string;
  charge_id: string;
  operation: Executed['operation'];
  gateway: string;
  amount_minor: number;
  outcome: string | null;
  run_id: string | null;
  first_sent_at: number;
  idempotency_key: string;
  api_version: string;
}

export interface ChargeRow {
  id: string;
  gateway: string;
  status: string;
  schedule_id: string | null;
  period: string | null;
  retry_at: number | null;
  soft_declines: number;
  amount_minor: number;
  captured_minor: number;
  refunded_minor: number;
  refund_reserved_minor: number;
}

interface EntryRow {
  attempt_id: string;
  kind: string;
  amount_minor: number;
  debit: string;
  credit: string;
}

const COLLECTS = ['sale', 'authorize'];
const CAPTURES = ['sale', 'capture'];
const MOVES = [...CAPTURES, 'refund'];
const OPEN = [null, 'unknown', 'settling', 'requires_action'];
/** The policy `standard` gives up after so many soft declines. */
const MOST_SOFT_DECLINES = 5;

export const attemptRows = (world: World): Promise<AttemptRow[]> =>
  world.rows<AttemptRow>('SELECT * FROM attempts ORDER BY charge_id, number');
export const chargeRows = (world: World): Promise<ChargeRow[]> =>
  world.rows<ChargeRow>('SELECT * FROM charges ORDER BY created_at, id');

/** What does not hold, in words; the world's own violations among it. */
export async function violations(world: World): Promise<string[]> {
  const attempts = await attemptRows(world);
  const charges = await chargeRows(world);
  const executed: Executed[] = [];
  for (const bank of world.banks.values()) executed.push(...(await bank.executed()));
  const matched = match(attempts, executed);
  return [
    ...world.violations,
    ...ofBanks(executed),
    ...ofWords(attempts, matched),
    ...(await ofTheUnknown(world, charges, executed, matched)),
    ...ofCharges(charges, attempts),
    ...ofRuns(attempts),
    ...(await ofLedger(world, attempts, executed)),
  ];
}

function* ofBanks(executed: readonly Executed[]): Generator<string> {
  for (const [chargeId, moved] of grouped(executed, ({ chargeId }) => chargeId)) {
    const captures = moved.filter(({ operation }) => CAPTURES.includes(operation));
    if (captures.length > 1) yield `the bank captured charge ${chargeId} ${captures.length} times`;
    const collections = moved.filter(({ operation }) => COLLECTS.includes(operation));
    if (collections.length > 1) yield `the bank collected charge ${chargeId} ${collections.length} times`;
    const refunded = sumOf(moved.filter(({ operation }) => operation === 'refund'));
    if (refunded > sumOf(captures)) yield `the bank gave back ${refunded} of ${sumOf(captures)} of charge ${chargeId}`;
  }
}

/** What the bank did for each attempt: under its id, or under its key for one that a book which was put back sent again. */
function match(attempts: readonly AttemptRow[], executed: readonly Executed[]): Map<string, Executed[]> {
  const ids = new Set(attempts.map(({ id }) => id));
  const byKey = new Map(attempts.map(({ id, idempotency_key }) => [idempotency_key, id]));
  return grouped(executed, ({ attemptId, key }) => (ids.has(attemptId) ? attemptId : (byKey.get(key) ?? '')));
}

function* ofWords(attempts: readonly AttemptRow[], matched: ReadonlyMap<string, Executed[]>): Generator<string> {
  for (const attempt of attempts) {
    const { id, operation, outcome } = attempt;
    const done = matched.get(id) ?? [];
    if (done.length > 1) yield `the bank executed attempt ${id} (${operation}) ${done.length} times`;
    if (outcome === 'duplicate') yield `attempt ${id} (${operation}) is a duplicate`;
    if (OPEN.includes(outcome)) continue;
    const isApproved = outcome === 'approved';
    if (isApproved !== done.length > 0) {
      yield `attempt ${id} (${operation}) is ${outcome}, but the bank executed it ${done.length} times`;
    }
    const amount = done[0]?.amountMinor ?? 0n;
    if (isApproved && operation !== 'void' && amount !== BigInt(attempt.amount_minor)) {
      yield `attempt ${id} is approved over ${attempt.amount_minor}, at the bank over ${amount}`;
    }
  }
}

/** Everything else that a bank executed was lost with a book, and stands in suspense once it was adopted. */
async function ofTheUnknown(
  world: World,
  charges: readonly ChargeRow[],
  executed: readonly Executed[],
  matched: ReadonlyMap<string, Executed[]>,
): Promise<string[]> {
  const inSuspense = new Set((await suspenseRows(world)).map(({ attempt_id }) => attempt_id));
  const known = new Set(charges.map(({ id }) => id));
  const found: string[] = [];
  for (const each of matched.get('') ?? []) {
    const { attemptId, operation, chargeId } = each;
    if (world.knowledge.lost.has(attemptId)) continue;
    if (known.has(chargeId) || (MOVES.includes(operation) && !inSuspense.has(attemptId))) {
      found.push(`the bank executed attempt ${attemptId} (${operation}), which the book has never heard of`);
    }
  }
  const names = new Set(executed.map(({ attemptId }) => attemptId));
  for (const id of inSuspense) if (!names.has(id)) found.push(`attempt ${id} is in suspense, and no bank executed it`);
  return found;
}

const suspenseRows = (world: World): Promise<{ attempt_id: string }[]> =>
  world.rows(`SELECT attempt_id FROM journal_entries WHERE kind = 'adopted'`);

function* ofCharges(charges: readonly ChargeRow[], attempts: readonly AttemptRow[]): Generator<string> {
  const byCharge = grouped(attempts, ({ charge_id }) => charge_id);
  const periods = new Set<string>();
  for (const charge of charges) {
    const own = byCharge.get(charge.id) ?? [];
    const approved = own.filter(({ outcome }) => outcome === 'approved');
    const open = own.filter(({ outcome }) => OPEN.includes(outcome));
    const { captured_minor: captured, refunded_minor: refunded, refund_reserved_minor: reserved } = charge;
    const say = (what: string): string => `charge ${charge.id} (${charge.status}): ${what}`;
    if (open.length > 1) yield say(`${open.length} attempts are open`);
    const sums = [
      ['captured', captured, approved.filter(({ operation }) => CAPTURES.includes(operation))],
      ['refunded', refunded, approved.filter(({ operation }) => operation === 'refund')],
      ['reserved', reserved, open.filter(({ operation }) => operation === 'refund')],
    ] as const;
    for (const [what, says, rows] of sums) {
      const sum = rows.reduce((total, { amount_minor }) => total + amount_minor, 0);
      if (says !== sum) yield say(`${what} ${says}, by its attempts ${sum}`);
    }
    // An adopted refund is a fact, whatever the older book still held back for one that it knows nothing of.
    const isAdopted = own.some(({ api_version }) => api_version === 'adopted');
    if (refunded + (isAdopted ? 0 : reserved) > captured)
      yield say(`${refunded} refunded and ${reserved} reserved of ${captured}`);
    if (charge.soft_declines > MOST_SOFT_DECLINES) yield say(`${charge.soft_declines} soft declines`);
    if (charge.schedule_id === null) continue;
    const period = `${charge.schedule_id} ${charge.period}`;
    if (periods.has(period)) yield say(`another charge collects ${period}`);
    periods.add(period);
  }
}

function* ofRuns(attempts: readonly AttemptRow[]): Generator<string> {
  const tried = attempts.filter(({ run_id }) => run_id !== null);
  for (const [what, times] of grouped(tried, ({ run_id, charge_id }) => `${run_id} tried ${charge_id}`)) {
    if (times.length > 1) yield `run ${what} ${times.length} times`;
  }
}

async function ofLedger(
  world: World,
  attempts: readonly AttemptRow[],
  executed: readonly Executed[],
): Promise<string[]> {
  const entries = grouped(
    await world.rows<EntryRow>(
      `SELECT e.attempt_id, e.kind, p.amount_minor, d.name AS debit, c.name AS credit FROM journal_entries e
         LEFT JOIN postings p ON p.entry_id = e.id LEFT JOIN accounts d ON d.id = p.debit_account
         LEFT JOIN accounts c ON c.id = p.credit_account`,
    ),
    ({ attempt_id }) => attempt_id,
  );
  const found: string[] = [];
  const expected = new Map<string, bigint>();
  const add = (account: string, amount: number): void => {
    expected.set(account, (expected.get(account) ?? 0n) + BigInt(amount));
  };
  for (const { id, operation, gateway, amount_minor: amount, outcome } of attempts) {
    const own = entries.get(id) ?? [];
    entries.delete(id);
    const moves = outcome === 'approved' && MOVES.includes(operation);
    const isRefund = operation === 'refund';
    if (moves) {
      add(`assets:gateway:${gateway}`, isRefund ? -amount : amount);
      add(isRefund ? 'revenue:refunds' : 'revenue:sales', amount);
    }
    const posted = own.map((entry) => `${entry.kind} ${entry.amount_minor}`).join(' and ');
    const wanted = moves ? `${isRefund ? 'refunded' : 'captured'} ${amount}` : '';
    if (posted !== wanted) {
      found.push(`attempt ${id} (${operation}, ${outcome}) is posted as "${posted}", not "${wanted}"`);
    }
  }
  const byAttempt = new Map(executed.map((each) => [each.attemptId, each]));
  for (const [id, own] of entries) {
    const [entry] = own;
    const moved = byAttempt.get(id);
    if (own.length > 1 || entry?.kind !== 'adopted' || moved?.amountMinor !== BigInt(entry.amount_minor)) {
      found.push(`an entry names attempt ${id}, which is not there`);
      continue;
    }
    // Its gateway is the account that the entry names beside the suspense.
    const isRefund = moved.operation === 'refund';
    const [gateway, suspense] = isRefund ? [entry.credit, entry.debit] : [entry.debit, entry.credit];
    add(gateway, isRefund ? -entry.amount_minor : entry.amount_minor);
    add(suspense, isRefund ? entry.amount_minor : -entry.amount_minor);
    if (suspense !== 'assets:suspense') found.push(`the entry of attempt ${id} is against ${suspense}`);
  }
  const standing = new Map((await balances(world.book.reader)).map((each) => [each.account, each.balanceMinor]));
  const accounts = [...GATEWAYS.map((gateway) => `assets:gateway:${gateway}`), 'revenue:sales', 'revenue:refunds'];
  for (const account of new Set([...accounts, ...standing.keys()])) {
    const [is, should] = [standing.get(account) ?? 0n, expected.get(account) ?? 0n];
    if (is !== should) found.push(`${account} stands at ${is}, by the attempts at ${should}`);
  }
  return found;
}

function sumOf(moved: readonly Executed[]): bigint {
  return moved.reduce((sum, { amountMinor }) => sum + amountMinor, 0n);
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
