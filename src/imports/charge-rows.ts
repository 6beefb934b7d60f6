// Rows of `charges import`: each makes a pending charge, which the next billing run collects when it is due.
import type { Charge } from '../charges/charge.ts';
import { createdEntry } from '../charges/charge-audit.ts';
import { chargeHashesByKey } from '../charges/charges-store.ts';
import { insertPendingCharges, newCharge } from '../charges/new-charge.ts';
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
  read: (cells, context) => ({
    ...readCommon(cells, context, 'none'),
    due: cells.parsed('due', (text) => parseInstant(text, context.charges.timezone)),
  }),
  make: (_context, { facts, reference, requestHash }, { customerId, method }, nowMs) => {
    const { due, ...common } = facts;
    const written = {
      ...common,
      id: newId('charge', nowMs),
      customerId,
      methodId: method.id,
      gateway: method.gateway,
      intent: 'sale' as const,
      idempotencyKey: reference,
      scheduleId: null,
      period: null,
      timezone: null,
      dueAt: due ?? nowMs,
    };
    return { ...newCharge(written, nowMs), requestHash };
  },
  dueAtMs: ({ dueAt }) => dueAt,
  earlier: chargeHashesByKey,
  entry: createdEntry,
  insert: insertPendingCharges,
};
