// Money on assets:suspense: moved at a gateway, and nobody has said yet what it was.
import { type Finding, Findings } from '../audit/finding.ts';
import { balances } from '../ledger/balances.ts';
import { SUSPENSE } from '../ledger/ledger.ts';
import type { Db } from '../storage/db.ts';
import { money } from './money-text.ts';

export async function suspenseFindings(db: Db): Promise<Finding[]> {
  const findings = new Findings();
  for (const { account, currency, balanceMinor } of await balances(db)) {
    if (account !== SUSPENSE || balanceMinor === 0n) continue;
    // An asset that stands on its credit side: gateways hold more of ours than the book can explain.
    const what = balanceMinor < 0n ? 'collected' : 'given back';
    const message = `${money(balanceMinor < 0n ? -balanceMinor : balanceMinor, currency)} ${what} at a gateway can't be explained from the book.`;
    findings.add(
      'suspense',
      `${account} ${currency}`,
      message,
      `bursar ledger entries --account ${account}`,
      'warning',
    );
  }
  return findings.list();
}
