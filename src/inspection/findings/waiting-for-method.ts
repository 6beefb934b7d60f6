// Failed charges without a time: they wait for the customer, who may not know it.
import { Findings, NAMED_PER_KIND } from '../../audit/finding.ts';
import { EXIT } from '../../errors.ts';
import type { Diagnosis, Patient } from '../diagnosis.ts';
import { money } from '../money-text.ts';
import { waitingCharges } from '../schedule-findings-store.ts';

export async function waitingForMethod({ db }: Patient): Promise<Diagnosis> {
  const { count, newest } = await waitingCharges(db, NAMED_PER_KIND);
  const findings = new Findings();
  for (const { id, amount, currency, declineCode, customerId } of newest) {
    const message = `Charge ${id} of ${money(amount, currency)} waits for customer ${customerId} (${declineCode ?? 'no reason known'}).`;
    findings.add('charge_waiting', id, message, `bursar retries explain ${id}`, 'warning');
  }
  if (count > newest.length) {
    const message = `${count - newest.length} more charges wait for their customers.`;
    findings.add('charges_waiting', null, message, 'bursar charges list --status failed --all', 'warning');
  }
  return { checked: { waitingCharges: count }, findings: findings.list(), exitCode: EXIT.done };
}
