// A failed charge as `retries list` shows it: when it is tried again, and by which rule.
import type { Charge } from '../../charges/charge.ts';
import { formatMoney } from '../../money/money.ts';
import type { Column } from '../columns.ts';

export function retryView(charge: Charge) {
  return {
    chargeId: charge.id,
    customerId: charge.customerId,
    scheduleId: charge.scheduleId,
    period: charge.period,
    amountMinor: charge.amountMinor.toString(),
    currency: charge.currency,
    declineCode: charge.declineCode,
    declineClass: charge.declineClass,
    retryAt: charge.retryAt === null ? null : new Date(charge.retryAt).toISOString(),
    rule: charge.retryRule,
    attempts: charge.attemptCount,
  };
}

export const retryColumns = (time: (at: string) => string | null): readonly Column<ReturnType<typeof retryView>>[] => [
  { key: 'chargeId', shorten: 'start' },
  { key: 'customerId', shorten: 'start' },
  {
    key: 'amountMinor',
    header: 'AMOUNT',
    cell: (row) => formatMoney(BigInt(row.amountMinor), row.currency),
    align: 'right',
    shorten: 'never',
  },
  { key: 'declineCode' },
  { key: 'retryAt', cell: (row) => (row.retryAt === null ? 'when the method changes' : time(row.retryAt)) },
  { key: 'rule' },
  { key: 'attempts', align: 'right' },
];
