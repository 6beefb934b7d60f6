// What the simulated bank executed, as commands print it.
import type { Executed } from '../../gateways/simulated/payment.ts';
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
}

export async function* toBankChargeViews(lines: AsyncIterable<Executed>): AsyncGenerator<BankChargeView> {
  for await (const { chargeId, attemptId, operation, amountMinor, currency, at } of lines) {
    yield { chargeId, attemptId, operation, amountMinor: amountMinor.toString(), currency, at: isoTime(at) };
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
    { key: 'operation' },
    {
      ...numberColumn<BankChargeView>('amountMinor', (line) => formatMoney(BigInt(line.amountMinor), line.currency)),
      header: 'AMOUNT',
    },
    { key: 'currency', inTable: false },
    { key: 'at', header: 'EXECUTED', cell: ({ at }) => time(at), shorten: 'never' },
  ];
}
