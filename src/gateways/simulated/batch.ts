// One batch of the bank: reads what its requests touch set by set, applies them in the order they came, and writes the
// lot in one transaction.

import { assert } from '../../errors.ts';
import type { Db } from '../../storage/db.ts';
import { cancelled, confirmed, perform, type Step, settled, withoutFailedRefunds } from './bank.ts';
import { immediately, loadBatch, saveBatch, takeFromThrottle } from './bank-store.ts';
import type { Executed, OperationRecord, Order, Payment, Refusal } from './payment.ts';
import { type BankReply, paymentReply, recordReply, refusalReply, UNREACHED } from './replies.ts';
import type { BankTerms } from './terms.ts';

export type BankCommand =
  | { kind: 'perform'; order: Order }
  | { kind: 'cancel'; paymentId: string; chargeId: string }
  /** The customer does what `requires_action` asked for. */
  | { kind: 'confirm'; paymentId: string }
  | { kind: 'view'; paymentId: string };

/** Second collections: what a correct caller never sends. */
const SECOND_COLLECTIONS: readonly string[] = ['payment_already_captured', 'payment_already_authorized'];

/** What the batch has read and changed so far; a request sees what those before it did. */
interface WorkingSet {
  payments: Map<string, Payment>;
  records: Map<string, OperationRecord>;
  /** Of the payments that are looked at as a whole. */
  keysByPayment: Map<string, Set<string>>;
  changedPayments: Set<string>;
  changedRecords: Set<string>;
  executed: Executed[];
  refusals: Refusal[];
}

/** Executes `commands` in one transaction; the replies stand in their order. */
export function executeBatch(
  db: Db,
  commands: readonly BankCommand[],
  terms: BankTerms,
  nowMs: number,
): Promise<BankReply[]> {
  return immediately(db, async () => {
    const { set, refusesCredentials } = await workingSet(db, commands);
    if (refusesCredentials) {
      return commands.map(() => refusalReply('unauthorized', 'the credentials were refused'));
    }
    const limit = terms.rateLimitPerSecond;
    const admitted = limit === null ? commands.length : await takeFromThrottle(db, commands.length, limit, nowMs);
    const admittedCommands = commands.slice(0, admitted);
    const replies = admittedCommands.map((command) => execute(command, set, terms, nowMs));
    await saveBatch(db, {
      payments: pick(set.payments, set.changedPayments),
      records: pick(set.records, set.changedRecords),
      executed: set.executed,
      refusals: set.refusals,
    });
    const limited = () => refusalReply('rate_limited', `more than ${limit} requests a second`);
    return [...replies, ...commands.slice(admitted).map(limited)];
  });
}

async function workingSet(
  db: Db,
  commands: readonly BankCommand[],
): Promise<{ set: WorkingSet; refusesCredentials: boolean }> {
  const paymentIds = new Set<string>();
  const keys = new Set<string>();
  const viewedIds = new Set<string>();
  for (const command of commands) {
    const paymentId = command.kind === 'perform' ? command.order.paymentId : command.paymentId;
    paymentIds.add(paymentId);
    if (command.kind === 'perform') keys.add(command.order.key);
    // A refund depends on those before it, which may have failed since.
    if (command.kind !== 'perform' || command.order.operation === 'refund') viewedIds.add(paymentId);
  }
  const { payments, records, refusesCredentials } = await loadBatch(db, { paymentIds, keys, viewedIds });
  const set: WorkingSet = {
    payments: new Map(payments.map((payment) => [payment.id, payment])),
    records: new Map(),
    keysByPayment: new Map(),
    changedPayments: new Set(),
    changedRecords: new Set(),
    executed: [],
    refusals: [],
  };
  for (const record of records) putRecord(set, record);
  return { set, refusesCredentials };
}

function execute(command: BankCommand, set: WorkingSet, terms: BankTerms, nowMs: number): BankReply {
  if (command.kind === 'perform') return executeOrder(command.order, set, terms, nowMs);
  const { paymentId } = command;
  const payment = set.payments.get(paymentId) ?? null;
  if (command.kind === 'cancel') return executeCancel(payment, command, set, terms, nowMs);
  if (payment === null) return refusalReply('payment_not_found', `there is no payment ${paymentId}`);
  if (command.kind === 'confirm') return executeConfirm(payment, set, nowMs);
  const records = recordsOf(set, paymentId);
  const visible = records.filter((record) => record.at <= nowMs - terms.listLagMs);
  const current = withoutFailedRefunds(settled(payment, nowMs), records, terms, nowMs);
  return paymentReply(200, current, visible, { terms, nowMs });
}

function executeOrder(order: Order, set: WorkingSet, terms: BankTerms, nowMs: number): BankReply {
  const earlier = set.records.get(order.key);
  if (earlier !== undefined && nowMs - earlier.at < terms.keyRetentionMs) {
    // A replay answers cleanly and at once, whatever the token: only the first answer is faulty.
    if (earlier.digest === order.digest) return recordReply(earlier, 'none', 0);
    return refusalReply('key_reuse', 'this key was used with another request; nothing was executed');
  }
  const step = perform(paymentFor(order, set, terms, nowMs), order, terms, nowMs);
  if (step.kind === 'unreached') return UNREACHED;
  if (step.kind === 'recorded') return keep(step, set);
  if (SECOND_COLLECTIONS.includes(step.code)) {
    const { operation, chargeId, attemptId, paymentId, key } = order;
    set.refusals.push({ code: step.code, operation, chargeId, attemptId, paymentId, key, at: nowMs });
  }
  return refusalReply(step.code, step.message);
}

function paymentFor(order: Order, set: WorkingSet, terms: BankTerms, nowMs: number): Payment | null {
  const payment = set.payments.get(order.paymentId) ?? null;
  if (payment === null || order.operation !== 'refund') return payment;
  return withoutFailedRefunds(payment, recordsOf(set, order.paymentId), terms, nowMs);
}

function executeCancel(
  found: Payment | null,
  command: { paymentId: string; chargeId: string },
  set: WorkingSet,
  terms: BankTerms,
  nowMs: number,
): BankReply {
  const closed = cancelled(found, command.paymentId, command.chargeId, nowMs);
  const records = recordsOf(set, command.paymentId);
  if (closed === null) {
    assert(found !== null, 'only an object that exists can have executed');
    return paymentReply(409, settled(found, nowMs), records, { terms, nowMs });
  }
  if (closed !== found) put(set, closed);
  return paymentReply(200, closed, records, { terms, nowMs });
}

function executeConfirm(payment: Payment, set: WorkingSet, nowMs: number): BankReply {
  const waiting = recordsOf(set, payment.id).find((record) => record.status === 'requires_action');
  const step = waiting === undefined ? null : confirmed(payment, waiting, nowMs);
  if (step?.kind !== 'recorded')
    return refusalReply('payment_in_progress', `payment ${payment.id} waits for no action`);
  return keep(step, set);
}

function keep(step: Extract<Step, { kind: 'recorded' }>, set: WorkingSet): BankReply {
  put(set, step.payment);
  putRecord(set, step.record);
  set.changedRecords.add(step.record.key);
  if (step.executed !== null) set.executed.push(step.executed);
  return recordReply(step.record, step.fault, step.delayMs);
}

function put(set: WorkingSet, payment: Payment): void {
  set.payments.set(payment.id, payment);
  set.changedPayments.add(payment.id);
}

function putRecord(set: WorkingSet, record: OperationRecord): void {
  const keys = set.keysByPayment.get(record.paymentId) ?? new Set();
  set.keysByPayment.set(record.paymentId, keys.add(record.key));
  set.records.set(record.key, record);
}

function recordsOf(set: WorkingSet, paymentId: string): OperationRecord[] {
  return pick(set.records, set.keysByPayment.get(paymentId) ?? new Set());
}

function pick<T>(all: ReadonlyMap<string, T>, keys: ReadonlySet<string>): T[] {
  return [...keys].flatMap((key) => all.get(key) ?? []);
}
