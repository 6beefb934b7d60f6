// What the simulated bank executed, as commands print it.
import type { GatewayRecord } from '../../gateways/gateway.ts';
import { formatMoney } from '../../money/money.ts';
import { type Column, idColumn, numberColumn } from '../columns.ts';
import { isoTime } from '../time-format.ts';

export interface BankChargeView {
  chargeId: string;
  attemptId: string;
  operation: string;
  amountMinor: string;
  currency: string;
  at: string;
  /** When it failed after all, though it had been approved. */
  failedAt: string | null;
}

export async function* toBankChargeViews(lines: AsyncIterable<GatewayRecord>): AsyncGenerator<BankChargeView> {
  for await (const { chargeId, attemptId, operation, amountMinor, currency, at, failedAt } of lines) {
    const money = { amountMinor: amountMinor.toString(), currency };
    yield { chargeId, attemptId, operation, ...money, at: isoTime(at), failedAt: isoTime(failedAt ?? null) };
  }
}

export async function countOf(lines: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of lines) count += 1;
  return count;
}

export function bankChargeColumns(time: (time: string) => string | null): Column<BankChargeView>[] {
  return [
    idColumn('chargeId', 'CHARGE'),
    idColumn('attemptId', 'ATTEMPT'),
    { key: 'operation', cell: ({ operation, failedAt }) => (failedAt === null ? operation : `${operation}, failed`) },
    {
      ...numberColumn<BankChargeView>('amountMinor', (line) => formatMoney(BigInt(line.amountMinor), line.currency)),
      header: 'AMOUNT',
    },
    { key: 'currency', inTable: false },
    { key: 'at', header: 'EXECUTED', cell: ({ at }) => time(at), shorten: 'never' },
    { key: 'failedAt', inTable: false },
  ];
}
