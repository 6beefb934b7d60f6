// Rows of `charges import`: each makes a pending charge, which the next billing run collects when it is due.
import type { Charge } from '../charges/charge.ts';
import { createdEntry } from '../charges/charge-audit.ts';
import { chargeHashesByKey } from '../charges/charges-store.ts';
import { newCharge, pendingChargesInsertions } from '../charges/new-charge.ts';
import { newId } from '../ids.ts';
import { parseInstant } from '../schedules/calendar-input.ts';
import { PAYER_COLUMNS } from './columns.ts';
import { type Common, type ImportKind, MONEY_COLUMNS, readCommon } from './row.ts';

interface ChargeFacts extends Common {
  /** Epoch milliseconds; null for at once. */
  due: number | null;
}

export const CHARGE_IMPORT: ImportKind<ChargeFacts, Charge> = {
  noun: 'charges',
  columns: [
    { name: 'reference', isRequired: true, meaning: 'names the charge, so that it is made once' },
    ...PAYER_COLUMNS,
    ...MONEY_COLUMNS,
    { name: 'due', meaning: 'not collected before this time; default: at once' },
    { name: 'policy', meaning: 'when it is tried again by itself; default: none' },
    { name: 'description', meaning: 'what it is for' },
  ],
  read: (cells, context) => {
    const { amountMinor, currency, policy, description, metadata } = readCommon(cells, context, 'none');
    const due = cells.parsed('due', (text) => parseInstant(text, context.charges.timezone));
    return { amountMinor, currency, policy, description, metadata, due };
  },
  make: (_context, { facts, reference, requestHash }, { customerId, method }, nowMs) => {
    const written = {
      id: newId('charge', nowMs),
      amountMinor: facts.amountMinor,
      currency: facts.currency,
      policy: facts.policy,
      description: facts.description,
      metadata: facts.metadata,
      customerId,
      methodId: method.id,
      gateway: method.gateway,
      intent: 'sale' as const,
      idempotencyKey: reference,
      scheduleId: null,
      period: null,
      timezone: null,
      dueAt: facts.due ?? nowMs,
    };
    const charge = newCharge(written, nowMs);
    charge.requestHash = requestHash;
    return charge;
  },
  dueAtMs: ({ dueAt }) => dueAt,
  earlier: chargeHashesByKey,
  entry: createdEntry,
  insertions: pendingChargesInsertions,
};
