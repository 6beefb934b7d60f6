// Second approvals whose money nobody has given back: we owe it to the customer.
import { Findings } from '../../audit/finding.ts';
import { unreturnedDuplicates } from '../../charges/attempts-store.ts';
import { refundCommand } from '../../charges/duplicates.ts';
import { EXIT } from '../../errors.ts';
import type { Diagnosis, Patient } from '../diagnosis.ts';
import { money } from '../money-text.ts';

/** Far more than a book of any size should ever have. */
const MOST = 10_000;

export async function duplicates({ db }: Patient): Promise<Diagnosis> {
  const owed = await unreturnedDuplicates(db, MOST);
  const findings = new Findings();
  for (const attempt of owed) {
    const { id, chargeId, gateway, amountMinor, currency } = attempt;
    const message = `Attempt ${id} collected ${money(amountMinor, currency)} through ${gateway} a second time for charge ${chargeId}; it has not been given back.`;
    findings.add('duplicate_not_refunded', id, message, refundCommand(attempt), 'warning');
  }
  return {
    checked: { unreturnedDuplicates: owed.length },
    findings: findings.list(),
    exitCode: owed.length > 0 ? EXIT.pending : EXIT.done,
  };
}
